"""UndoReview: takes back one of the latest answers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from server.errors import FailedPrecondition, Reason
from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.learning.domain.card import Card, card_not_found
from server.learning.domain.days import LearnerDays
from server.learning.domain.review import Review, ReviewId
from server.learning.domain.submission import review_not_found
from server.learning.ports import UnitOfWorkFactory
from server.learning.recording import record

MOST_UNDONE = 30
"""How many of the latest answers can be taken back, as in Anki."""


@dataclass(frozen=True, slots=True)
class Undone:
    """A review that was taken back.

    Attributes:
        card: as it now stands.
        undoable: how many more answers can be taken back.
        days: how the learner's days are counted.
    """

    review: Review
    card: Card
    undoable: int
    days: LearnerDays


class UndoReview:
    """Takes answers back.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, review_id: ReviewId) -> Undone:
        """Takes a review back; one that was taken back stays so.

        Raises:
            NotFound: REVIEW_NOT_FOUND; CARD_NOT_FOUND when its card is gone.
            FailedPrecondition: UNDO_LIMIT_REACHED, REVIEW_NOT_UNDOABLE.
        """
        async with self._unit_of_work() as uow:
            user_id = caller.user_id
            sequence = await uow.sequences.next(user_id)
            now = self._clock.now()
            review = (await uow.review_log.find(user_id, [review_id])).get(review_id)
            if review is None:
                raise review_not_found(review_id)
            _check_undoable(review)
            cards = await uow.cards.with_siblings(user_id, [review.card_id])
            card = next((each for each in cards if each.id == review.card_id), None)
            if card is None:
                raise card_not_found(review.card_id)
            latest = await uow.review_log.latest_answers(user_id, MOST_UNDONE)
            standing = await uow.learning_settings.standing(user_id)
            if review.undone_at is not None:
                return Undone(review, card, len(latest), standing.regime.days)
            if review_id not in latest:
                raise FailedPrecondition(
                    Reason.UNDO_LIMIT_REACHED,
                    f"The review {review_id} is not among your latest {MOST_UNDONE} answers.",
                    metadata={"review_id": review_id, "limit": str(MOST_UNDONE)},
                )
            done = await record(uow, user_id, standing, sequence, now, cards, (), [review_id])
            await uow.review_log.undo(user_id, review_id, now, sequence)
            left = await uow.review_log.latest_answers(user_id, MOST_UNDONE)
            await uow.commit()
        undone = replace(review, undone_at=now, sequence=sequence)
        return Undone(undone, done.cards[card.id], len(left), standing.regime.days)


def _check_undoable(review: Review) -> None:
    if review.rating is None or review.imported:
        raise FailedPrecondition(
            Reason.REVIEW_NOT_UNDOABLE,
            f"The entry {review.id} is no answer of yours here.",
            metadata={"review_id": review.id, "kind": f"REVIEW_KIND_{review.kind.name}"},
        )
