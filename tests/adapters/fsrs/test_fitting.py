"""The fitted weights predict a real learner better than the default ones, on reviews they were not fitted to."""

from __future__ import annotations

import asyncio
import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from server.adapters.fsrs.fitting import FsrsFitting
from server.errors import FailedPrecondition, Reason
from server.learning.domain.fsrs import DEFAULT_WEIGHTS
from server.learning.domain.review import Rating, ReviewKind
from server.learning.domain.training import LoggedReview, TrainingSet, training_set

LOG = Path(__file__).parents[3].parent / "shared" / "data" / "srs" / "fsrs_revlog.csv"
START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def day_of(at: datetime) -> date:
    """A learner in UTC whose day turns at 4."""
    return (at - timedelta(hours=4)).date()


def real_log() -> list[LoggedReview]:
    """12,580 answers of one learner; a card's first one is to a new card."""
    seen: set[str] = set()
    entries = []
    with LOG.open(encoding="utf-8") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: datetime.fromisoformat(row["review_time"])):
            kind = ReviewKind.REVIEW if row["card_id"] in seen else ReviewKind.LEARNING
            seen.add(row["card_id"])
            at = datetime.fromisoformat(row["review_time"])
            entries.append(LoggedReview(row["card_id"], kind, Rating(int(row["review_rating"])), at))
    return entries


def made_up(remembered: float, cards: int = 200) -> TrainingSet:
    """Cards that are asked again after 1, 3 and 9 days and remembered with a chance."""
    random = Random(1)
    entries = []
    for card in range(cards):
        at = START + timedelta(days=card % 50)
        entries.append(LoggedReview(str(card), ReviewKind.LEARNING, Rating.GOOD, at))
        for days in (1, 3, 9):
            at += timedelta(days=days)
            rating = Rating.GOOD if random.random() < remembered else Rating.AGAIN
            entries.append(LoggedReview(str(card), ReviewKind.REVIEW, rating, at))
    return training_set(sorted(entries, key=lambda each: each.at), day_of)


@pytest.mark.skipif(not LOG.exists(), reason=f"the shared log of reviews is not at {LOG}")
async def test_a_real_learner_is_predicted_better() -> None:
    task = training_set(real_log(), day_of)

    fit = await FsrsFitting().fit(task, DEFAULT_WEIGHTS)

    assert (task.fitted, task.held_out) == (5021, 1255)
    assert fit.better
    assert fit.log_loss_after < fit.log_loss_before - 0.0005
    assert fit.rmse_after < fit.rmse_before
    assert len(fit.weights) == 21


async def test_the_same_reviews_give_the_same_weights() -> None:
    task = made_up(0.9)

    first, again = [await FsrsFitting().fit(task, DEFAULT_WEIGHTS) for _ in range(2)]

    assert first.weights == again.weights
    # fsrs-rs sums up the bins in no fixed order.
    assert (first.log_loss_after, first.rmse_after) == pytest.approx((again.log_loss_after, again.rmse_after), rel=1e-4)


async def test_who_forgets_sooner_is_predicted_to() -> None:
    forgetful = await FsrsFitting().fit(made_up(0.6), DEFAULT_WEIGHTS)

    assert forgetful.better
    # The stability after a first GOOD.
    assert forgetful.weights[2] < DEFAULT_WEIGHTS[2]


async def test_histories_that_can_not_be_fitted_to_are_too_few() -> None:
    task = made_up(0.9)
    empty = TrainingSet((), task.held_out_from, 0, 0)

    with pytest.raises(FailedPrecondition) as refused:
        await FsrsFitting().fit(empty, DEFAULT_WEIGHTS)

    assert refused.value.reason is Reason.TOO_FEW_REVIEWS


async def test_a_fit_that_nobody_waits_for_is_given_up() -> None:
    task = asyncio.create_task(FsrsFitting().fit(made_up(0.9), DEFAULT_WEIGHTS))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
