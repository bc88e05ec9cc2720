"""FSRS-6: the numbers that other projects publish in their tests, and those of the package `fsrs` itself."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import fsrs as package
import pytest

from server.errors import InvalidInput, Reason
from server.learning.domain.algorithm import fuzz_of, fuzzed
from server.learning.domain.card import NO_MEMORY, CardId, Schedule, State
from server.learning.domain.days import LearnerDays
from server.learning.domain.fsrs import DEFAULT_WEIGHTS, HIGHEST_WEIGHTS, LOWEST_WEIGHTS, Fsrs, check_weights, fsrs
from server.learning.domain.review import Rating
from server.learning.domain.scheduling import answer
from server.learning.domain.settings import ALWAYS, LearningSettings, Regime

VECTORS = Path(__file__).parents[3] / "shared" / "data" / "srs" / "vectors.json"
START = datetime(2026, 1, 5, 12, tzinfo=UTC)
CARD = CardId("0198c0de-0000-7000-8000-000000000001")


def vector(name: str) -> dict[str, Any]:
    if not VECTORS.exists():
        pytest.skip("../shared/data/srs/vectors.json is not there")
    cases = json.loads(VECTORS.read_text("utf-8"))["cases"]
    found: dict[str, Any] = next(case for case in cases if case["id"] == name)
    return found


def test_the_default_weights_are_the_package_s() -> None:
    assert package.Scheduler().parameters == DEFAULT_WEIGHTS


def test_a_history_answered_when_due_has_the_published_intervals_and_states() -> None:
    case = vector("fsrs6-ivl-1")
    regime = Regime(ALWAYS, LearningSettings(fuzz=False), LearnerDays("UTC", 0))
    schedule, at = Schedule(), START
    intervals, states = [], []
    for repetition, rating in enumerate(case["ratings"]):
        schedule = answer(schedule, Rating(rating), at, regime, (), CARD, repetition).schedule
        assert schedule.interval is not None
        intervals.append(schedule.interval.days)
        states.append((schedule.memory.stability, schedule.memory.difficulty))
        at += schedule.interval
    assert intervals == case["expected_interval_days"]
    for state, expected in zip(states, case["stability_difficulty_verified"], strict=True):
        assert state == pytest.approx(expected, abs=1e-4)


def test_a_history_with_same_day_answers_has_the_published_state() -> None:
    case = vector("fsrs6-memo-short")
    algorithm, memory = fsrs(None, 0.9, 36500), NO_MEMORY
    for rating, elapsed in zip(case["ratings"], case["elapsed_days_before_each"], strict=True):
        memory = algorithm.answer(memory, State.LEARNING, Rating(rating), elapsed, 0).memory
    assert memory.stability == pytest.approx(case["expected_stability"], abs=1e-4)
    assert memory.difficulty == pytest.approx(case["expected_difficulty"], abs=1e-4)


@pytest.mark.parametrize("fuzz", [False, True])
def test_a_thousand_random_histories_go_as_in_the_package(fuzz: bool) -> None:
    """Other weights, retentions, steps and limits each; intervals and states are the same to the last bit."""
    dice = random.Random(20261123)
    for history in range(1000):
        theirs, ours = _schedulers(dice, fuzz)
        card, schedule = package.Card(card_id=history), Schedule()
        at, repetition = START, 0
        for _ in range(dice.randint(1, 25)):
            rating = dice.choice((1, 2, 3, 3, 3, 4))
            # The package takes the elapsed days as whole 24 hours: answering at one hour makes them the learner's.
            at += timedelta(days=dice.choice((0, 0, 1, 2, 5, 20, 100, 1000)))
            seed = dice.getrandbits(32)
            random.seed(seed)
            card, _ = theirs.review_card(card, package.Rating(rating), at)
            chance = random.Random(seed).random()
            given = answer(schedule, Rating(rating), at, ours, (), CARD, repetition).schedule
            days = (card.due - at).days if card.state is package.State.Review else None
            if fuzz and days is not None:
                plain = _unfuzzed(ours, schedule, rating, at)
                assert fuzzed(plain, chance, ours.settings.max_days) == days
            elif days is not None:
                assert given.interval == timedelta(days=days)
            else:
                assert given.due_at == card.due
            assert (given.memory.stability, given.memory.difficulty) == (card.stability, card.difficulty)
            assert (given.state.name, given.step) == (_name(card.state), card.step)
            schedule, repetition = given, repetition + 1


def _name(state: package.State) -> str:
    return {1: "LEARNING", 2: "REVIEW", 3: "RELEARNING"}[int(state)]


def _schedulers(dice: random.Random, fuzz: bool) -> tuple[package.Scheduler, Regime]:
    weights = (
        DEFAULT_WEIGHTS
        if dice.random() < 0.5
        else tuple(
            min(max(weight * dice.uniform(0.7, 1.4), low), high)
            for weight, low, high in zip(DEFAULT_WEIGHTS, LOWEST_WEIGHTS, HIGHEST_WEIGHTS, strict=True)
        )
    )
    steps = tuple(timedelta(minutes=minutes) for minutes in sorted(dice.sample((1, 2, 10, 60), dice.randint(0, 3))))
    again = tuple(timedelta(minutes=minutes) for minutes in sorted(dice.sample((5, 10, 30), dice.randint(0, 2))))
    retention, longest = round(dice.uniform(0.7, 0.99), 2), dice.choice((30, 365, 36500))
    theirs = package.Scheduler(weights, retention, steps, again, longest, fuzz)
    ours = LearningSettings(
        fsrs_weights=weights,
        desired_retention=retention,
        learning_steps=steps,
        relearning_steps=again,
        max_days=longest,
        fuzz=fuzz,
    )
    return theirs, Regime(ALWAYS, ours, LearnerDays("UTC", 0))


def _unfuzzed(regime: Regime, schedule: Schedule, rating: int, at: datetime) -> int:
    settings = regime.settings
    algorithm = Fsrs(settings.fsrs_weights or DEFAULT_WEIGHTS, settings.desired_retention, settings.max_days)
    elapsed = 0 if schedule.memory_day is None else (at.date() - schedule.memory_day).days
    return algorithm.answer(schedule.memory, schedule.state, Rating(rating), elapsed, 0).days


def test_hundreds_of_easy_answers_on_one_day_stay_numbers() -> None:
    algorithm, memory = Fsrs((*HIGHEST_WEIGHTS[:19], 0.0, 0.8), 0.9, 36500), NO_MEMORY
    days = [(recall := algorithm.answer(memory, State.REVIEW, Rating.EASY, 0, 1)).days]
    for _ in range(500):
        recall = algorithm.answer(recall.memory, State.REVIEW, Rating.EASY, 0, 1)
        days.append(recall.days)
    assert days[-1] == 36500
    assert days == sorted(days)


def test_fuzz_is_the_same_for_a_card_s_repetition_and_another_for_the_next() -> None:
    chances = [fuzz_of(CARD, repetition) for repetition in range(1000)]
    assert chances == [fuzz_of(CARD, repetition) for repetition in range(1000)]
    assert len(set(chances)) == 1000
    assert all(0 <= chance < 1 for chance in chances)
    assert sum(chances) / 1000 == pytest.approx(0.5, abs=0.05)


def test_fuzz_never_passes_the_longest_interval() -> None:
    for days in range(1, 400):
        for chance in (0.0, 0.5, 0.999999999):
            assert 1 <= fuzzed(days, chance, 365) <= 365 or days > 365


def test_a_weight_out_of_its_range_is_refused_by_name() -> None:
    weights = [*DEFAULT_WEIGHTS]
    weights[4] = 11
    with pytest.raises(InvalidInput) as refused:
        check_weights(weights, "settings.fsrs_weights")
    assert refused.value.reason is Reason.SCHEDULER_WEIGHTS_INVALID
    assert refused.value.metadata == {"field": "settings.fsrs_weights[4]", "lowest": "1", "highest": "10"}
