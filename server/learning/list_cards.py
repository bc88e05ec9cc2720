"""ListCards: the learner's cards in the order in which they were added."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.kernel.paging import Page, PageRequest
from server.learning.domain.card import Card
from server.learning.domain.days import LearnerDays
from server.learning.domain.selection import CardSelection
from server.learning.ports import UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class ListedCards:
    """A page of cards.

    Attributes:
        days: how the learner's days are counted.
    """

    page: Page[Card]
    days: LearnerDays


class ListCards:
    """Lists cards.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(
        self, caller: Caller, selection: Callable[[LearnerDays, Clock], CardSelection], page: PageRequest
    ) -> ListedCards:
        """A page of the cards that pass every filter.

        Args:
            selection: makes the filters for the learner's days.
        """
        async with self._unit_of_work() as uow:
            days = (await uow.learning_settings.standing(caller.user_id)).regime.days
            found = await uow.cards.find(caller.user_id, selection(days, self._clock), page)
        return ListedCards(found, days)
