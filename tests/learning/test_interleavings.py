"""Whatever order the work of several devices arrives in, cards and statistics end as one: as the log says.

`record` is the production code, on a log in memory: hundreds of orders of events, batches, repeats, undos, changes of
settings, time zones and vacations. The same over a real port and PostgreSQL is in `test_devices.py`.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from server.learning.domain.card import MATURE_DAYS, Scheduler, State
from server.learning.domain.days import LearnerDays
from server.learning.domain.replay import Subject, replay
from server.learning.domain.review import Answer, Event, Rating
from server.learning.domain.scheduling import answer
from server.learning.domain.settings import ALWAYS, LearningSettings, Regime, Regimes
from tests.support.learning_log import (
    END,
    START,
    LearnerInMemory,
    events,
    make_cards,
    new_cards_under,
    regime,
    settings,
)

CARDS = make_cards()
FIRST = Regime(ALWAYS, LearningSettings(), LearnerDays("Europe/Berlin", 4))


async def arrive(data: st.DataObject, done: list[Event], changes: list[Regime], undone: list[str]) -> LearnerInMemory:
    """All of it arrives: in some order, in batches, some of it again; undos as soon as they can."""
    learner = LearnerInMemory(new_cards_under(FIRST, CARDS), Regimes((FIRST,)))
    waiting = list(data.draw(st.permutations(done)))
    for present in [*changes, None]:
        now = END if present is None else present.since
        ready = [event for event in waiting if event.effective_at <= now]
        if present is not None:
            ready = ready[: data.draw(st.integers(0, len(ready)))]
        while ready:
            size = data.draw(st.integers(1, len(ready)))
            batch, ready = ready[:size], ready[size:]
            waiting = [event for event in waiting if event not in batch]
            await learner.take(batch, now)
            if data.draw(st.booleans()):
                await learner.take(batch, now)
            known = [each for each in undone if each in learner.reviews]
            takes_back: bool = data.draw(st.booleans())
            if known and takes_back:
                await learner.take([], now, known)  # type: ignore[arg-type]
        if present is not None:
            await learner.change(present)
    await learner.take([], END, undone)  # type: ignore[arg-type]
    return learner


@hypothesis_settings(max_examples=150, deadline=None)
@given(st.data())
async def test_any_order_of_arrival_ends_the_same(data: st.DataObject) -> None:
    done = data.draw(events(CARDS))
    answers = [event.id for event in done if isinstance(event, Answer)]
    undone: list[str] = []
    if answers:
        undone += data.draw(st.lists(st.sampled_from(answers), unique=True, max_size=4))
    changes: list[Regime] = []
    for day in sorted(data.draw(st.sets(st.integers(1, 89), max_size=3))):
        changes.append(data.draw(regime(START + timedelta(days=day, minutes=7), changes[-1] if changes else FIRST)))

    one = await arrive(data, done, changes, undone)
    other = await arrive(data, done, changes, undone)

    progress = {card.id: card.progress for card in one.cards.values()}
    assert progress == {card.id: card.progress for card in other.cards.values()}
    assert progress == await one.from_nothing()
    assert one.effects == other.effects
    standing = [event for event in done if event.id not in undone]
    counted: Counter[object] = Counter()
    for sentence in {card.sentence_id for card in CARDS}:
        group = [card for card in CARDS if card.sentence_id == sentence]
        ids = {card.id for card in group}
        replayed = replay(map(Subject.of, group), [each for each in standing if each.card_id in ids], one.regimes)
        counted.update(replayed.effects.values())
    assert one.effects == counted


@hypothesis_settings(max_examples=150, deadline=None)
@given(st.data())
def test_intervals_stay_in_range_and_states_whole(data: st.DataObject) -> None:
    given_settings = data.draw(settings())
    present = Regime(ALWAYS, given_settings, LearnerDays("America/New_York", 4))
    state = replay([Subject.of(CARDS[0])], data.draw(events(CARDS[:1], most=40)), Regimes((present,)))

    schedule = state.progress[CARDS[0].id].schedule
    if schedule.state is State.REVIEW:
        assert schedule.interval is not None
        assert 1 <= schedule.interval.days <= given_settings.max_days
        assert schedule.interval == timedelta(days=schedule.interval.days)
        assert schedule.due_day is not None
        assert schedule.memory_day is not None
        assert schedule.due_day - schedule.memory_day == schedule.interval
        assert schedule.mature == (schedule.interval.days >= MATURE_DAYS)
    elif schedule.state.in_steps:
        assert schedule.due_at is not None
        assert schedule.interval is not None
        assert timedelta(seconds=1) <= schedule.interval <= timedelta(days=5)
    for outcome in state.outcomes.values():
        if outcome.state_after is State.NEW:
            continue
        if given_settings.scheduler is Scheduler.FSRS:
            assert outcome.memory.stability is not None
            assert outcome.memory.difficulty is not None
            assert outcome.memory.stability >= 0.001
            assert 1 <= outcome.memory.difficulty <= 10
        else:
            assert outcome.memory.ease is not None
            assert outcome.memory.ease >= 1.3
    counts = state.progress[CARDS[0].id].counts
    assert counts.repetitions == counts.correct + counts.incorrect
    assert counts.current_streak <= counts.best_streak


@hypothesis_settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(Rating), st.integers(0, 400))
def test_a_preview_is_what_the_answer_gives(data: st.DataObject, rating: Rating, days: int) -> None:
    present = Regime(ALWAYS, data.draw(settings()), LearnerDays("Asia/Tokyo", 4))
    done = data.draw(events(CARDS[:1]))
    before = replay([Subject.of(CARDS[0])], done, Regimes((present,))).progress[CARDS[0].id]
    at = END + timedelta(days=days)
    preview = answer(before.schedule, rating, at, present, (), CARDS[0].id, before.counts.repetitions).outcome

    event = Answer(id="ffffffff-0000-7000-8000-000000000000", card_id=CARDS[0].id, rating=rating,  # type: ignore[arg-type]
                   client_time=at, effective_at=at, received_at=at)  # fmt: skip
    given_outcome = replay([Subject.of(CARDS[0])], [*done, event], Regimes((present,))).outcomes[event.id]

    assert (preview.interval, preview.due_at, preview.due_day, preview.memory) == (
        given_outcome.interval,
        given_outcome.due_at,
        given_outcome.due_day,
        given_outcome.memory,
    )
