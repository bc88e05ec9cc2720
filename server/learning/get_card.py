"""GetCard: one card with its newest reviews, explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.learning.domain.card import Card, CardId, card_not_found
from server.learning.domain.days import LearnerDays
from server.learning.domain.replay import Subject, replay
from server.learning.domain.review import Outcome, Review, ReviewId
from server.learning.domain.scheduling import retrievability
from server.learning.ports import UnitOfWorkFactory
from server.learning.recording import log_of


@dataclass(frozen=True, slots=True)
class ExplainedReview:
    """A review, and what it gives now.

    Attributes:
        replayed: what the replay of the whole log gives at it, where that is not what it gave when it was recorded.
    """

    review: Review
    replayed: Outcome | None


@dataclass(frozen=True, slots=True)
class CardHistory:
    """A card and its history.

    Attributes:
        reviews: the newest ones, the newest first, undone ones too.
        retrievability: FSRS: the chance of remembering today, 0 to 1; None under SM-2 and where the card is new.
        days: how the learner's days are counted.
    """

    card: Card
    reviews: tuple[ExplainedReview, ...]
    retrievability: float | None
    days: LearnerDays


class GetCard:
    """Reads a card.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, card_id: CardId, count: int) -> CardHistory:
        """The card with at most `count` reviews.

        Raises:
            NotFound: CARD_NOT_FOUND.
        """
        async with self._unit_of_work() as uow:
            user_id = caller.user_id
            cards = await uow.cards.with_siblings(user_id, [card_id])
            card = next((each for each in cards if each.id == card_id), None)
            if card is None:
                raise card_not_found(card_id)
            reviews = await uow.review_log.newest(user_id, card_id, count)
            events = await log_of(uow, user_id, [each.id for each in cards])
            regimes = await uow.learning_settings.regimes(user_id)
        outcomes = replay(
            map(Subject.of, cards), [event for each in events.values() for event in each], regimes
        ).outcomes
        present = regimes.present
        return CardHistory(
            card=card,
            reviews=_explained(reviews, outcomes),
            retrievability=retrievability(
                card.progress.schedule, present.days.day_of(self._clock.now()), present.settings
            ),
            days=present.days,
        )


def _explained(reviews: Sequence[Review], outcomes: Mapping[ReviewId, Outcome]) -> tuple[ExplainedReview, ...]:
    explained = []
    for review in reviews:
        now = outcomes.get(review.id)
        explained.append(ExplainedReview(review, now if now is not None and now != review.given else None))
    return tuple(explained)
