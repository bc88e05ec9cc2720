"""What the weights of FSRS are fitted to: the learner's own histories, the later part held out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from server.errors import FailedPrecondition, Reason
from server.learning.domain.day_of_study import DayOf
from server.learning.domain.review import Rating, ReviewKind

REQUIRED_REVIEWS = 400
"""Reviews that came a day or more after the one before; fewer say too little about forgetting."""
HELD_OUT = 0.2
"""The share of those reviews, the latest, that the weights are judged by and not fitted to."""
_TRAINED_ON = {ReviewKind.LEARNING, ReviewKind.REVIEW, ReviewKind.RELEARNING}


@dataclass(frozen=True, slots=True)
class LoggedReview:
    """A standing entry of the log, as far as fitting needs it.

    Attributes:
        kind: when it was recorded.
        rating: None where nothing was answered.
        at: its effective time.
    """

    card_id: str
    kind: ReviewKind
    rating: Rating | None
    at: datetime


@dataclass(frozen=True, slots=True)
class TrainingReview:
    """One review of a history.

    Attributes:
        rating: 1 to 4.
        days: the learner's days since the review before it; 0 for the first.
        at: when.
    """

    rating: Rating
    days: int
    at: datetime


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Histories of cards, each from its first answer on.

    Attributes:
        histories: one for each card, or for each life of a card that was reset.
        held_out_from: reviews from then on are held out.
        fitted, held_out: how many reviews there are of each sort that came a day or more after the one before.
    """

    histories: tuple[tuple[TrainingReview, ...], ...]
    held_out_from: datetime
    fitted: int
    held_out: int


def has_enough(entries: Iterable[LoggedReview], day_of: DayOf, first_day: date | None = None) -> bool:
    """Whether some entries alone are enough to fit to; as for `training_set`."""
    return _trainable(_histories_since(entries, day_of, first_day)) >= REQUIRED_REVIEWS


def training_set(entries: Iterable[LoggedReview], day_of: DayOf, first_day: date | None = None) -> TrainingSet:
    """Takes the histories out of a log.

    Practice without rescheduling, resets and reschedulings are not used: they say nothing of the memory, or were no
    answers. A history that does not begin with the card being new (the rest was never imported) is left out too.

    Args:
        entries: the learner's standing entries, in the order of the log.
        day_of: the learner's days.
        first_day: leaves out cards that were first answered before this day; None: none.

    Raises:
        FailedPrecondition: TOO_FEW_REVIEWS.
    """
    histories = _histories_since(entries, day_of, first_day)
    times = sorted(review.at for history in histories for review in history if review.days > 0)
    if len(times) < REQUIRED_REVIEWS:
        raise too_few_reviews(len(times))
    held_out_from = times[len(times) - max(1, round(len(times) * HELD_OUT))]
    fitted = sum(1 for at in times if at < held_out_from)
    if not fitted:
        raise too_few_reviews(0)
    return TrainingSet(tuple(histories), held_out_from, fitted, len(times) - fitted)


def too_few_reviews(reviews: int) -> FailedPrecondition:
    """The refusal of a log that says too little."""
    return FailedPrecondition(
        Reason.TOO_FEW_REVIEWS,
        f"There are {reviews} reviews that came a day or more after the one before; {REQUIRED_REVIEWS} are needed.",
        metadata={"reviews": str(reviews), "required": str(REQUIRED_REVIEWS)},
    )


@dataclass(frozen=True, slots=True)
class Fit:
    """Weights, and how well they predict the held-out reviews.

    Attributes:
        weights: FSRS-6's 21.
        log_loss_before, log_loss_after: mean negative log-likelihood (natural logarithm) of remembering or forgetting,
            under the weights before and under these.
        rmse_before, rmse_after: root mean square error over bins of predicted recall, 0 to 1.
    """

    weights: tuple[float, ...]
    log_loss_before: float
    log_loss_after: float
    rmse_before: float
    rmse_after: float

    @property
    def better(self) -> bool:
        """Whether they predict better than those before."""
        return self.log_loss_after < self.log_loss_before


def _trainable(histories: Iterable[Sequence[TrainingReview]]) -> int:
    return sum(1 for history in histories for review in history if review.days > 0)


def _histories_since(
    entries: Iterable[LoggedReview], day_of: DayOf, first_day: date | None
) -> Sequence[tuple[TrainingReview, ...]]:
    histories = _histories(entries, day_of)
    return [each for each in histories if first_day is None or day_of(each[0].at) >= first_day]


def _histories(entries: Iterable[LoggedReview], day_of: DayOf) -> Sequence[tuple[TrainingReview, ...]]:
    lives: defaultdict[str, list[list[LoggedReview]]] = defaultdict(lambda: [[]])
    for entry in entries:
        if entry.kind is ReviewKind.MANUAL:
            lives[entry.card_id].append([])
        elif entry.kind in _TRAINED_ON:
            lives[entry.card_id][-1].append(entry)
    return [
        tuple(_reviews(life, day_of))
        for card in lives.values()
        for life in card
        if life and life[0].kind is ReviewKind.LEARNING
    ]


def _reviews(life: Sequence[LoggedReview], day_of: DayOf) -> Iterable[TrainingReview]:
    previous: date | None = None
    for entry in life:
        day = day_of(entry.at)
        if entry.rating is not None:
            # A move to the west can take the learner's day back.
            yield TrainingReview(entry.rating, max(0, (day - previous).days) if previous else 0, entry.at)
            previous = day
