"""A review as a client records it, and its place in the log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from server.errors import AlreadyExists, FailedPrecondition, NotFound, OutOfRange, Reason
from server.learning.domain.card import LONGEST_ANSWER, Card, CardId
from server.learning.domain.review import Answer, AttemptId, Rating, RatingSource, Review, ReviewId, ReviewKind

TOLERANCE = timedelta(hours=24)
"""How far a client's clock may be off."""
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Submission:
    """An answer as a client sends it.

    Attributes:
        time_taken: None: not measured.
        attempt_id: None: no spoken attempt suggested a rating.
        filtered: practice without rescheduling.
    """

    id: ReviewId
    card_id: CardId
    rating: Rating
    client_time: datetime
    time_taken: timedelta | None
    rating_source: RatingSource
    attempt_id: AttemptId | None
    filtered: bool

    @property
    def recorded_time(self) -> timedelta | None:
        """The time taken as it is recorded: whole milliseconds, at most `LONGEST_ANSWER`."""
        return None if self.time_taken is None else min(self.time_taken, LONGEST_ANSWER) // _MS * _MS

    def answer(self, card: Card, now: datetime, suggested: Rating | None) -> Answer:
        """The answer, placed in the log.

        Args:
            now: when the server took it.
            suggested: what the attempt suggested.

        Raises:
            OutOfRange: REVIEW_TIME_OUT_OF_RANGE.
        """
        return Answer(
            id=self.id,
            card_id=self.card_id,
            rating=self.rating,
            client_time=self.client_time,
            effective_at=placed(self.client_time, card.created_at, now),
            received_at=now,
            time_taken=self.recorded_time,
            rating_source=self.rating_source,
            attempt_id=self.attempt_id,
            suggested_rating=suggested,
            filtered=self.filtered,
        )

    def check_same(self, review: Review) -> None:
        """Holds a repeated submission to the review that its id has.

        Raises:
            AlreadyExists: REVIEW_ID_REUSED.
        """
        same = (
            review.card_id == self.card_id
            and review.rating is self.rating
            and review.client_time == self.client_time
            and review.time_taken == self.recorded_time
            and review.rating_source is self.rating_source
            and review.attempt_id in (self.attempt_id, None)
            and (review.kind is ReviewKind.FILTERED) == self.filtered
            and not review.imported
        )
        if not same:
            raise review_id_reused(self.id)


def placed(client_time: datetime, created_at: datetime, now: datetime) -> datetime:
    """The effective time of what a client did.

    Args:
        client_time: by the client's clock.
        created_at: when the card was added.
        now: by the server's clock.

    Raises:
        OutOfRange: REVIEW_TIME_OUT_OF_RANGE when the client's clock is off by more than `TOLERANCE`.
    """
    earliest, latest = created_at - TOLERANCE, now + TOLERANCE
    if not earliest <= client_time <= latest:
        shown = {"client_time": _text(client_time), "earliest": _text(earliest), "latest": _text(latest)}
        raise OutOfRange(
            Reason.REVIEW_TIME_OUT_OF_RANGE,
            f"The client's time {shown['client_time']} is not between {shown['earliest']} and {shown['latest']}: "
            "the device's clock is wrong. Set it right and send this again.",
            metadata=shown,
        )
    return max(created_at, min(client_time, now))


def review_id_reused(review_id: ReviewId) -> AlreadyExists:
    """What a client is told that uses the id of another review."""
    return AlreadyExists(
        Reason.REVIEW_ID_REUSED,
        f"You have a review {review_id} with other content. Make a new id.",
        metadata={"review_id": review_id},
    )


def review_not_found(review_id: ReviewId) -> NotFound:
    """What a learner is told who names a review that is not theirs."""
    return NotFound(Reason.REVIEW_NOT_FOUND, f"You have no review {review_id}.", metadata={"review_id": review_id})


def attempt_not_found(attempt_id: AttemptId) -> NotFound:
    """What a learner is told whose review names an attempt that they never had."""
    return NotFound(Reason.ATTEMPT_NOT_FOUND, f"You have no attempt {attempt_id}.", metadata={"attempt_id": attempt_id})


def attempt_mismatch(attempt_id: AttemptId, card_id: CardId) -> FailedPrecondition:
    """What a learner is told whose review names an attempt at something else."""
    return FailedPrecondition(
        Reason.REVIEW_ATTEMPT_MISMATCH,
        f"The attempt {attempt_id} was not at the card {card_id}, nor practice of its sentence.",
        metadata={"attempt_id": attempt_id, "card_id": card_id},
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
