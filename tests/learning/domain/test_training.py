"""Weights are fitted to the learner's own memory, and judged by what came later."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from server.errors import FailedPrecondition, Reason
from server.learning.domain.review import Rating, ReviewKind
from server.learning.domain.training import REQUIRED_REVIEWS, LoggedReview, has_enough, training_set

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
CARDS = REQUIRED_REVIEWS


def day_of(at: datetime) -> date:
    return at.date()


def entry(
    card: int, days: float, kind: ReviewKind = ReviewKind.REVIEW, rating: Rating | None = Rating.GOOD
) -> LoggedReview:
    return LoggedReview(f"card {card}", kind, rating, START + timedelta(days=days))


def log(cards: int = CARDS) -> list[LoggedReview]:
    """A first answer and a review two days later, for each card."""
    entries = [entry(card, card, ReviewKind.LEARNING) for card in range(cards)]
    entries += [entry(card, card + 2) for card in range(cards)]
    return sorted(entries, key=lambda each: each.at)


def test_the_latest_fifth_is_held_out() -> None:
    made = training_set(log(), day_of)

    assert (made.fitted, made.held_out) == (320, 80)
    assert made.held_out_from == START + timedelta(days=320 + 2)
    assert [(review.rating, review.days) for review in made.histories[0]] == [(Rating.GOOD, 0), (Rating.GOOD, 2)]


def test_too_few_reviews_are_refused() -> None:
    with pytest.raises(FailedPrecondition) as refused:
        training_set(log(CARDS - 1), day_of)

    assert refused.value.reason is Reason.TOO_FEW_REVIEWS
    assert refused.value.metadata == {"reviews": "399", "required": "400"}


def test_reviews_that_all_came_at_once_leave_nothing_to_fit_to() -> None:
    entries = [entry(card, 0, ReviewKind.LEARNING) for card in range(CARDS)] + [entry(card, 2) for card in range(CARDS)]
    with pytest.raises(FailedPrecondition):
        training_set(entries, day_of)


def test_only_answers_that_tell_of_memory_train() -> None:
    extra = [
        entry(0, 1, ReviewKind.FILTERED, Rating.AGAIN),
        entry(0, 1.5, ReviewKind.RESCHEDULED, None),
        entry(1, 400, ReviewKind.REVIEW, Rating.AGAIN),
        entry(1, 401, ReviewKind.MANUAL, None),
        entry(1, 402, ReviewKind.LEARNING, Rating.EASY),
        # The rest of this one was never imported.
        entry(CARDS + 1, 410, ReviewKind.REVIEW),
        entry(CARDS + 1, 420, ReviewKind.REVIEW),
    ]
    made = training_set(sorted([*log(), *extra], key=lambda each: each.at), day_of)

    assert [(review.rating, review.days) for review in made.histories[0]] == [(Rating.GOOD, 0), (Rating.GOOD, 2)]
    assert [[(review.rating, review.days) for review in life] for life in made.histories if len(life) != 2] == [
        [(Rating.GOOD, 0), (Rating.GOOD, 2), (Rating.AGAIN, 397)],
        [(Rating.EASY, 0)],
    ]
    assert made.fitted + made.held_out == CARDS + 1


def test_cards_from_before_a_day_can_be_left_out() -> None:
    made = training_set(log(CARDS + 10), day_of, date(2026, 1, 11))

    assert len(made.histories) == CARDS


def test_some_entries_can_be_enough_by_themselves() -> None:
    assert has_enough(log(), day_of)
    assert not has_enough(log()[:-1], day_of)
    assert not has_enough(log(), day_of, date(2026, 1, 2))
