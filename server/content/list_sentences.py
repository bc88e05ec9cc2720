"""ListSentences: a page of what the caller may see."""

from __future__ import annotations

from server.content.domain.selection import Order, Selection, order_of
from server.content.domain.sentence import Sentence
from server.content.ports import UnitOfWorkFactory
from server.kernel.paging import Page, PageRequest


class ListSentences:
    """Lists sentences.

    Args:
        unit_of_work: opens a transaction.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, selection: Selection, order: Order | None, page: PageRequest) -> Page[Sentence]:
        """A page of the sentences that pass every filter.

        Args:
            selection: its spaces hold the caller to what they may see.
            order: None: the best match first with terms, else the newest.
        """
        async with self._unit_of_work() as uow:
            return await uow.sentences.find(selection, order_of(order, selection.terms), page)
