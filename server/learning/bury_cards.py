"""BuryCards: leaves cards out of every queue until a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TypeVar

from server.errors import InvalidInput
from server.kernel.identity import Caller
from server.learning.change_cards import CardsToChange, ChangeCards, ChangedCards, Moment
from server.learning.domain.card import Card
from server.learning.domain.review import Action, Event, Mark
from server.learning.reply import Reply

R = TypeVar("R")
_METHOD = "/kaiwa.learning.v1.LearningService/BuryCards"


class BuryCards:
    """Buries cards.

    Args:
        change_cards: puts it into the log.
    """

    def __init__(self, change_cards: ChangeCards) -> None:
        self._change_cards = change_cards

    async def __call__(
        self, caller: Caller, wanted: CardsToChange, until_day: date | None, reply: Reply[ChangedCards, R]
    ) -> R:
        """Buries them; of two days the later one holds.

        Args:
            until_day: the learner's day from which they are shown again; None: the one after that of the client time.

        Raises:
            AlreadyExists: REQUEST_ID_REUSED.
            OutOfRange: REVIEW_TIME_OUT_OF_RANGE.
            InvalidInput: INVALID_FIELD when the day does not come after that of the client time.
        """

        def event(card: Card, moment: Moment) -> Event:
            today = moment.standing.regime.days.day_of(moment.client_time)
            until = today + timedelta(days=1) if until_day is None else until_day
            if until <= today:
                raise InvalidInput("until_day", f"must come after {today}, the day of the client time")
            return Mark(
                id=moment.id,
                card_id=card.id,
                action=Action.BURY,
                client_time=moment.client_time,
                effective_at=moment.effective_at,
                received_at=moment.received_at,
                until_day=until,
            )

        return await self._change_cards(caller, _METHOD, wanted, event, reply)
