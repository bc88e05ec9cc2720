"""ResetCards: makes cards new again."""

from __future__ import annotations

from typing import TypeVar

from server.kernel.identity import Caller
from server.learning.change_cards import CardsToChange, ChangeCards, ChangedCards, Moment
from server.learning.domain.card import Card
from server.learning.domain.review import Event, Reset, ReviewId
from server.learning.reply import Reply

R = TypeVar("R")
_METHOD = "/kaiwa.learning.v1.LearningService/ResetCards"


class ResetCards:
    """Resets cards.

    Args:
        change_cards: puts it into the log.
    """

    def __init__(self, change_cards: ChangeCards) -> None:
        self._change_cards = change_cards

    async def __call__(
        self, caller: Caller, wanted: CardsToChange, reply: Reply[ChangedCards, R], *, counts: bool = False
    ) -> R:
        """Resets them.

        Args:
            counts: whether what was counted of them starts from nothing too.

        Raises:
            AlreadyExists: REQUEST_ID_REUSED.
            OutOfRange: REVIEW_TIME_OUT_OF_RANGE.
        """

        def event(card: Card, moment: Moment) -> Event:
            return Reset(
                id=ReviewId(moment.id),
                card_id=card.id,
                client_time=moment.client_time,
                effective_at=moment.effective_at,
                received_at=moment.received_at,
                counts=counts,
            )

        return await self._change_cards(caller, _METHOD, wanted, event, reply)
