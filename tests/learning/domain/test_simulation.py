"""Simulated study follows FSRS, the limits and the learner's habits."""

from __future__ import annotations

import math

import numpy as np
import pytest

from server.learning.domain.review import Rating, ReviewKind
from server.learning.domain.simulation import (
    AnswerCount,
    Habits,
    Plan,
    deck_of,
    habits,
    memory_from_sm2,
    runs_for,
    simulate,
    study_seconds,
)

WEIGHTS = (
    0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796, 1.4835, 0.0614, 0.2629, 1.6483,
    0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
)  # fmt: skip
PLAN = Plan(WEIGHTS, days=120, new_cards_per_day=10, reviews_per_day=9999, max_interval_days=36_500)
NEW = deck_of([], 500, seed=1)


def test_the_same_seed_gives_the_same_workload() -> None:
    first, again, other = (simulate(NEW, PLAN, Habits(), 0.9, seed) for seed in (1, 1, 2))

    assert np.array_equal(first.reviews, again.reviews)
    assert first.remembered == again.remembered
    assert not np.array_equal(first.reviews, other.reviews)


def test_wanting_to_remember_more_costs_more_reviews() -> None:
    runs = [simulate(NEW, PLAN, Habits(), retention, 1) for retention in (0.7, 0.8, 0.9, 0.95)]

    reviews = [run.reviews.sum() for run in runs]
    assert reviews == sorted(reviews)
    assert [run.remembered for run in runs] == sorted(run.remembered for run in runs)


@pytest.mark.parametrize("retention", [0.8, 0.9])
def test_reviews_are_remembered_about_as_often_as_wanted(retention: float) -> None:
    plan = Plan(WEIGHTS, 365, 20, 9999, 36_500)
    run = simulate(deck_of([], 5000, 1), plan, Habits(), retention, 3)

    # Whole days round short intervals up and down; the mean stays near.
    assert 1 - run.lapses.sum() / run.reviews.sum() == pytest.approx(retention, abs=0.03)


def test_the_limits_of_a_day_hold() -> None:
    run = simulate(NEW, Plan(WEIGHTS, 60, 3, 5, 36_500), Habits(), 0.95, 1)

    assert run.new_cards.max() == 3
    assert run.new_cards.sum() == 3 * 60
    assert run.reviews.max() == 5


def test_every_card_is_introduced_once() -> None:
    run = simulate(NEW, PLAN, Habits(), 0.9, 1)

    assert run.new_cards[:50].tolist() == [10] * 50
    assert run.new_cards[50:].sum() == 0


def test_it_starts_from_the_learners_cards() -> None:
    deck = deck_of([(10.0, 5.0, 10.0, 0.0)] * 30 + [(100.0, 5.0, 1.0, 40.0)] * 20, 50, 1)

    run = simulate(deck, Plan(WEIGHTS, 50, 0, 9999, 36_500), Habits(), 0.9, 1)

    assert run.reviews[0] == 30
    assert run.reviews[40] >= 20
    assert run.new_cards.sum() == 0


def test_a_deck_is_made_larger_or_smaller() -> None:
    cards = [(float(index + 1), 5.0, 1.0, 3.0) for index in range(100)]

    assert np.isnan(deck_of(cards, 120, 1).stability).sum() == 20
    sample = deck_of(cards, 40, 1)
    assert sample.size == 40
    assert set(sample.stability) < {card[0] for card in cards}


def test_a_memory_of_sm2_grows_under_fsrs_as_its_ease_says() -> None:
    stability, difficulty = memory_from_sm2(2.0, 30.0, WEIGHTS)

    growth = math.exp(WEIGHTS[8]) * (11 - difficulty) * stability ** -WEIGHTS[9] * math.expm1(WEIGHTS[10] * 0.1)
    assert (stability, 1 + growth) == (30.0, pytest.approx(2.0))
    assert memory_from_sm2(9.0, 30.0, WEIGHTS)[1] == 1.0


def test_habits_are_everybodys_until_there_are_enough_answers() -> None:
    few = [AnswerCount(ReviewKind.LEARNING, True, Rating.EASY, 99, 99, 990.0)]
    enough = [AnswerCount(ReviewKind.LEARNING, True, Rating.EASY, 100, 100, 1000.0)]

    assert habits(few).first == Habits().first
    assert habits(enough).first == (0, 0, 0, 1)


def test_study_takes_the_learners_own_times() -> None:
    counts = [
        AnswerCount(ReviewKind.LEARNING, True, Rating.GOOD, 10, 10, 100.0),
        AnswerCount(ReviewKind.LEARNING, False, Rating.GOOD, 20, 20, 200.0),
        AnswerCount(ReviewKind.REVIEW, False, Rating.GOOD, 50, 50, 300.0),
        AnswerCount(ReviewKind.REVIEW, False, Rating.AGAIN, 5, 5, 60.0),
        AnswerCount(ReviewKind.RELEARNING, False, Rating.GOOD, 10, 5, 20.0),
    ]
    found = habits(counts)

    # A new card takes three answers of 10 s, a forgotten one an answer of 12 s and two of 4 s.
    assert (found.new_seconds, found.review_seconds, found.lapse_seconds) == (30.0, 6.0, 20.0)
    run = simulate(NEW, PLAN, found, 0.9, 1)
    seconds = study_seconds(run, found)
    assert seconds is not None
    assert seconds.sum() == run.new_cards.sum() * 30 + run.reviews.sum() * 6 + run.lapses.sum() * 14


def test_a_pace_that_is_not_known_is_not_guessed() -> None:
    assert habits([]) == Habits()
    assert study_seconds(simulate(NEW, PLAN, Habits(), 0.9, 1), Habits()) is None


@pytest.mark.parametrize(("cards", "days", "runs"), [(1, 1, 20), (1000, 365, 20), (5000, 1095, 3), (20_000, 1095, 1)])
def test_large_decks_are_simulated_less_often(cards: int, days: int, runs: int) -> None:
    assert runs_for(cards, days) == runs
