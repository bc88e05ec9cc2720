"""UnsuspendCards: returns suspended cards to the state that they had."""

from __future__ import annotations

from typing import TypeVar

from server.kernel.identity import Caller
from server.learning.change_cards import CardsToChange, ChangeCards, ChangedCards, Moment
from server.learning.domain.card import Card
from server.learning.domain.review import Action, Event, Mark
from server.learning.reply import Reply

R = TypeVar("R")
_METHOD = "/kaiwa.learning.v1.LearningService/UnsuspendCards"


class UnsuspendCards:
    """Takes cards back from suspension.

    Args:
        change_cards: puts it into the log.
    """

    def __init__(self, change_cards: ChangeCards) -> None:
        self._change_cards = change_cards

    async def __call__(self, caller: Caller, wanted: CardsToChange, reply: Reply[ChangedCards, R]) -> R:
        """Unsuspends them; others stay as they are.

        Raises:
            AlreadyExists: REQUEST_ID_REUSED.
            OutOfRange: REVIEW_TIME_OUT_OF_RANGE.
        """
        return await self._change_cards(caller, _METHOD, wanted, _event, reply)


def _event(card: Card, moment: Moment) -> Event:
    return Mark(
        id=moment.id,
        card_id=card.id,
        action=Action.UNSUSPEND,
        client_time=moment.client_time,
        effective_at=moment.effective_at,
        received_at=moment.received_at,
    )
