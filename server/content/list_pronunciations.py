"""ListPronunciations: a page of the pronunciation dictionary."""

from __future__ import annotations

from server.content.domain.pronunciation import Pronunciation, PronunciationFilter
from server.content.ports import UnitOfWorkFactory
from server.kernel.paging import Page, PageRequest


class ListPronunciations:
    """Lists entries.

    Args:
        unit_of_work: opens a transaction.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, wanted: PronunciationFilter, page: PageRequest) -> Page[Pronunciation]:
        """A page of the entries that pass every filter, by word and reading.

        Args:
            wanted: its spaces hold the caller to what they may see.
        """
        async with self._unit_of_work() as uow:
            return await uow.pronunciations.find(wanted, page)
