"""The kept figures are those of the log, whatever was added and taken out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest

from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.kernel.identity import UserId
from server.learning.domain.card import CardId, Skill, State
from server.learning.domain.figures import tally
from server.learning.domain.review import KIND_IN, AnswerEffect, Rating, ReviewId, ReviewKind
from tests.support.rows import NOW, add_user

Open = Callable[[], PostgresUnitOfWork]
MONDAY = date(2026, 11, 23)


def some_effect(random: Random) -> AnswerEffect:
    """Any answer."""
    intervals: dict[State, list[timedelta | None]] = {
        State.NEW: [None],
        State.LEARNING: [timedelta(minutes=1), timedelta(minutes=10)],
        State.REVIEW: [timedelta(days=1), timedelta(days=21), timedelta(days=99)],
        State.RELEARNING: [timedelta(minutes=10)],
    }
    before, after = random.choice(list(State)), random.choice([State.LEARNING, State.REVIEW, State.RELEARNING])
    return AnswerEffect(
        review_id=ReviewId("r"),
        card_id=CardId("c"),
        skill=random.choice(list(Skill)),
        day=MONDAY + timedelta(days=random.randrange(3)),
        hour=random.randrange(24),
        kind=random.choice([KIND_IN[before], ReviewKind.FILTERED]),
        rating=random.choice(list(Rating)),
        time_taken=random.choice([None, timedelta(milliseconds=random.randrange(60_001))]),
        state_before=before,
        state_after=after,
        interval_before=random.choice(intervals[before]),
        interval_after=random.choice(intervals[after]),
        first_of_day=random.random() < 0.5,
        first_ever=random.random() < 0.2,
    )


@pytest.mark.parametrize("seed", range(4))
async def test_what_is_kept_is_what_the_log_adds_up_to(unit_of_work: Open, seed: int) -> None:
    random = Random(seed)
    stands: list[AnswerEffect] = []
    async with unit_of_work() as uow:
        user_id = UserId(await add_user(uow.session))
        for _ in range(40):
            removed = random.sample(stands, random.randrange(min(4, len(stands)) + 1))
            # A late arrival changes what the answers after it were, so they are taken out and put in again.
            added = [replace(each, rating=random.choice(list(Rating))) for each in removed if random.random() < 0.6]
            added += [some_effect(random) for _ in range(random.randrange(4))]
            for each in removed:
                stands.remove(each)
            stands += added
            await uow.statistics.apply(user_id, removed, added, NOW)

            assert await uow.statistics.figures(user_id) == tally(stands)
            assert await uow.statistics.study_days(user_id) == sorted({each.day for each in stands})


async def test_figures_can_be_replaced_by_a_recomputation(unit_of_work: Open) -> None:
    random = Random(7)
    figures = tally([some_effect(random) for _ in range(50)])
    async with unit_of_work() as uow:
        user_id = UserId(await add_user(uow.session))
        other = UserId(await add_user(uow.session, email="ken@example.org", username="ken"))
        await uow.statistics.apply(user_id, [], [some_effect(random)], NOW)
        await uow.statistics.apply(other, [], [some_effect(random)], NOW)
        others = await uow.statistics.figures(other)
        await uow.statistics.replace(user_id, figures, NOW)

        assert await uow.statistics.figures(user_id) == figures
        assert await uow.statistics.figures(other) == others
        await uow.statistics.replace(user_id, {}, NOW)
        assert await uow.statistics.figures(user_id) == {}


async def test_figures_are_cut_to_days_and_skills(unit_of_work: Open) -> None:
    random = Random(3)
    figures = tally([some_effect(random) for _ in range(60)])
    tuesday = MONDAY + timedelta(days=1)
    async with unit_of_work() as uow:
        user_id = UserId(await add_user(uow.session))
        await uow.statistics.replace(user_id, figures, NOW)

        assert await uow.statistics.figures(user_id, tuesday, tuesday, {Skill.READING, Skill.SPEAKING}) == {
            key: each for key, each in figures.items() if key[0] == tuesday and key[1] is not Skill.LISTENING
        }


async def test_answers_that_are_not_there_can_not_be_taken_out(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        user_id = UserId(await add_user(uow.session))
        with pytest.raises(RuntimeError, match="no figures of 2026-11-2"):
            await uow.statistics.apply(user_id, [some_effect(Random(1))], [], NOW)
