"""GetStats sums up a range: effort, buttons, true retention, hours."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import statistics_pb2
from tests.learning.test_get_daily_stats import TODAY, wire
from tests.support.kernel import NOON
from tests.support.learning import AGAIN, EASY, GOOD, LISTENING, OF_MIKA, READING, SPEAKING, Study, refused
from tests.support.rpc import failure_of


async def stats(study: Study, **wanted: object) -> pb.GetStatsResponse:
    return await study.stub.GetStats(pb.GetStatsRequest(**wanted), metadata=OF_MIKA)  # type: ignore[arg-type]


async def test_a_new_learner_has_nothing_and_no_rates(study: Study) -> None:
    found = await stats(study)

    assert not found.HasField("first_day")
    assert found.last_day == wire(TODAY)
    assert (found.days_studied, found.totals.answers) == (0, 0)
    assert not found.totals.HasField("day")
    assert not found.totals.HasField("accuracy")
    assert not found.young_retention.HasField("rate")
    assert not found.mature_retention.HasField("rate")
    assert [(hour.hour, hour.answers) for hour in found.hours] == [(hour, 0) for hour in range(24)]
    assert found.streak == statistics_pb2.StudyStreak()


async def test_all_that_was_answered(study: Study) -> None:
    card, other = await study.add_cards(2)
    await study.review(card.id, AGAIN)
    await study.graduate(other.id)
    study.clock.advance(timedelta(days=30, hours=3))
    await study.review(other.id, GOOD)
    study.clock.advance(timedelta(days=200))
    await study.review(other.id, AGAIN)
    await study.submit(study.submission(other.id, EASY, filtered=True))

    found = await stats(study)

    assert found.first_day == wire(TODAY)
    assert found.days_studied == 3
    assert found.totals.answers == 5
    assert found.totals.cards_learned == 1
    assert found.kinds.learning == statistics_pb2.RatingCounts(again=1, easy=1)
    assert found.kinds.young == statistics_pb2.RatingCounts(good=1)
    assert found.kinds.mature == statistics_pb2.RatingCounts(again=1)
    assert found.kinds.filtered == statistics_pb2.RatingCounts(easy=1)
    assert found.young_retention == statistics_pb2.Retention(answers=1, correct=1, rate=1.0)
    assert found.mature_retention == statistics_pb2.Retention(answers=1, correct=0, rate=0.0)
    assert [(hour.hour, hour.answers, hour.correct) for hour in found.hours if hour.answers] == [
        (12, 2, 1),
        (15, 3, 2),
    ]
    assert (found.streak.current_days, found.streak.best_days, found.streak.studied_today) == (1, 1, True)
    assert found.streak.last_study_day == wire(TODAY + timedelta(days=230))


async def test_a_range_is_cut_and_its_streak_is_that_at_its_end(study: Study) -> None:
    (card,) = await study.add_cards()
    for _ in range(4):
        await study.review(card.id)
        study.clock.advance(timedelta(days=1))

    found = await stats(study, first_day=wire(TODAY + timedelta(days=1)), last_day=wire(TODAY + timedelta(days=2)))

    assert (found.days_studied, found.totals.answers, found.totals.study_streak) == (2, 2, 3)
    assert found.streak.current_days == 4


async def test_skills_apart(study: Study) -> None:
    (sentence,) = await study.add_sentences()
    added = await study.stub.AddCards(
        pb.AddCardsRequest(sentence_ids=[sentence], skills=[READING, LISTENING, SPEAKING]), metadata=OF_MIKA
    )
    for card in added.cards:
        await study.review(card.id)
        study.clock.advance(timedelta(minutes=31))

    found = [await stats(study, skills=[skill]) for skill in (READING, LISTENING, SPEAKING)]

    assert [each.totals.answers for each in found] == [1, 1, 1]
    assert [each.totals.sessions_completed for each in found] == [1, 1, 1]
    both = await stats(study, skills=[READING, SPEAKING])
    assert (both.totals.answers, both.totals.cards_reviewed, both.totals.sessions_completed) == (2, 2, 2)
    assert (await stats(study)).totals.answers == 3


async def test_a_range_that_is_not_in_order_is_refused(study: Study) -> None:
    request = pb.GetStatsRequest(first_day=wire(TODAY + timedelta(days=1)))
    failure = failure_of(await refused(study.stub.GetStats(request, metadata=OF_MIKA)))

    assert (failure.reason, failure.metadata["field"]) == ("ERROR_REASON_INVALID_FIELD", "first_day")


async def test_a_range_before_anything_was_studied_is_empty(study: Study) -> None:
    (card,) = await study.add_cards()
    await study.review(card.id)

    found = await stats(study, last_day=wire((NOON - timedelta(days=9)).date()))

    assert (found.totals.answers, found.totals.study_streak) == (0, 0)
    assert found.first_day == found.last_day


@pytest.mark.parametrize("days", [0, 1, 2])
async def test_the_streak_stands_until_a_day_is_over(study: Study, days: int) -> None:
    (card,) = await study.add_cards()
    await study.review(card.id)
    study.clock.advance(timedelta(days=days))

    streak = (await stats(study)).streak

    assert (streak.current_days, streak.studied_today) == (1 if days < 2 else 0, days == 0)
