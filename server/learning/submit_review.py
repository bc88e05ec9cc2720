"""SubmitReview: records one answer."""

from __future__ import annotations

from dataclasses import dataclass

from server.errors import ApplicationError
from server.kernel.identity import Caller
from server.learning.domain.card import Card, card_not_found
from server.learning.domain.days import LearnerDays
from server.learning.domain.review import Review
from server.learning.domain.submission import Submission
from server.learning.submit_reviews import SubmitReviews


@dataclass(frozen=True, slots=True)
class ReviewedCard:
    """A review, and its card as it now stands.

    Attributes:
        days: how the learner's days are counted.
    """

    review: Review
    card: Card
    days: LearnerDays


class SubmitReview:
    """Records an answer.

    Args:
        submit_reviews: records any number.
    """

    def __init__(self, submit_reviews: SubmitReviews) -> None:
        self._submit_reviews = submit_reviews

    async def __call__(self, caller: Caller, submission: Submission) -> ReviewedCard:
        """Records it, or returns the first answer to the same one.

        Raises:
            NotFound: CARD_NOT_FOUND, ATTEMPT_NOT_FOUND.
            AlreadyExists: REVIEW_ID_REUSED.
            OutOfRange: REVIEW_TIME_OUT_OF_RANGE.
            FailedPrecondition: REVIEW_ATTEMPT_MISMATCH.
        """
        done = await self._submit_reviews(caller, [submission])
        (result,) = done.results
        if isinstance(result, ApplicationError):
            raise result
        if not done.cards:
            # A repeat for a card that is gone since.
            raise card_not_found(submission.card_id)
        return ReviewedCard(result, done.cards[0], done.days)
