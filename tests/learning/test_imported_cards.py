"""Cards that came with another program's history stand where they stood there, and go on from there."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from kaiwa.learning.v1 import card_pb2
from server.learning.domain.card import CardId, Memory, Scheduler, State
from server.learning.domain.fsrs import DEFAULT_WEIGHTS, Fsrs
from server.learning.domain.review import Outcome, Rating, RatingSource, Review, ReviewId, ReviewKind
from server.learning.rebuild_cards import RebuildCards
from tests.support.kernel import NOON
from tests.support.learning import AGAIN, GOOD, MIKA, Study


def imported(
    study: Study, card_id: str, at: datetime, kind: ReviewKind, rating: Rating | None, given: Outcome
) -> Review:
    return Review(
        id=ReviewId(study.new_id()),
        card_id=CardId(card_id),
        kind=kind,
        rating=rating,
        client_time=at,
        effective_at=at,
        received_at=NOON,
        time_taken=timedelta(seconds=3),
        rating_source=None if rating is None else RatingSource.LEARNER,
        attempt_id=None,
        suggested_rating=None,
        imported=True,
        resets_counts=False,
        given=given,
        undone_at=None,
        sequence=1,
    )


def outcome(days: int, due: date | None = None, *, suspended: bool = False, memory: Memory | None = None) -> Outcome:
    return Outcome(
        scheduler=Scheduler.SM2,
        scheduler_version="anki",
        state_before=State.REVIEW,
        state_after=State.REVIEW,
        interval=timedelta(days=days),
        due_day=due,
        memory=memory or Memory(ease=2.3),
        suspended=suspended,
    )


async def import_history(study: Study, *, suspended: bool = False) -> str:
    """A card with an interval of 200 days, due in 100."""
    (card,) = await study.add_cards()
    last = NOON - timedelta(days=100)
    entries = [
        imported(study, card.id, last - timedelta(days=80), ReviewKind.REVIEW, Rating.AGAIN, outcome(80)),
        imported(study, card.id, last, ReviewKind.REVIEW, Rating.GOOD, outcome(190)),
        imported(
            study,
            card.id,
            NOON,
            ReviewKind.RESCHEDULED,
            None,
            outcome(200, (NOON + timedelta(days=100)).date(), suspended=suspended),
        ),
    ]
    async with study.unit_of_work() as uow:
        await uow.review_log.add(MIKA, entries, ())
        await uow.commit()
    await RebuildCards(study.unit_of_work, study.clock)()
    return card.id


@pytest.mark.parametrize("suspended", [False, True])
async def test_a_card_stands_where_it_stood(study: Study, suspended: bool) -> None:
    card = await study.card(await import_history(study, suspended=suspended))

    assert (card.state, card.resumes_as) == (
        (card_pb2.CARD_STATE_SUSPENDED, card_pb2.CARD_STATE_REVIEW)
        if suspended
        else (card_pb2.CARD_STATE_REVIEW, card_pb2.CARD_STATE_UNSPECIFIED)
    )
    assert card.interval.ToTimedelta() == timedelta(days=200)
    assert (card.due_day.year, card.due_day.month, card.due_day.day) == (2027, 3, 3)
    assert (card.repetitions, card.correct_count, card.lapses) == (2, 1, 1)
    assert card.mature
    assert not card.leech
    await study.check_replay()


async def test_its_first_answer_here_goes_on_from_its_interval(study: Study) -> None:
    card_id = await import_history(study)
    study.clock.advance(timedelta(days=100))

    after = (await study.review(card_id, GOOD)).card

    assert after.stability > 200
    assert after.interval.ToTimedelta() > timedelta(days=200)
    assert after.scheduler == card_pb2.SCHEDULER_FSRS_6
    await study.check_replay()


async def test_an_answer_that_arrives_late_and_another_scheduler_keep_its_history(study: Study) -> None:
    card_id = await import_history(study)
    study.clock.advance(timedelta(days=101))
    late = study.submission(card_id, AGAIN, NOON + timedelta(days=50))
    await study.review(card_id, GOOD)
    await study.submit(late)
    await study.check_replay()
    await study.set(scheduler=card_pb2.SCHEDULER_SM_2)
    assert (await study.card(card_id)).HasField("ease_factor")
    await study.check_replay()


def test_the_memory_of_a_card_of_which_only_the_interval_is_known() -> None:
    algorithm = Fsrs(DEFAULT_WEIGHTS, 0.9, 36500)
    stabilities = [
        algorithm.answer(Memory(ease=ease), State.REVIEW, Rating.GOOD, 100, 100).memory for ease in (1.3, 2.5, 3.5)
    ]
    for memory, harder in zip(stabilities[1:], stabilities, strict=False):
        assert memory.stability is not None
        assert harder.stability is not None
        assert memory.difficulty is not None
        assert harder.difficulty is not None
        assert 100 < harder.stability < memory.stability
        assert memory.difficulty < harder.difficulty
