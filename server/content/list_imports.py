"""ListImports: the caller's imports, newest first."""

from __future__ import annotations

from server.content.domain.imports import Import, ImportState
from server.content.ports.imports import UnitOfWorkFactory
from server.kernel.identity import Caller
from server.kernel.paging import Page, PageRequest


class ListImports:
    """Lists imports.

    Args:
        unit_of_work: opens a transaction.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, caller: Caller, state: ImportState | None, page: PageRequest) -> Page[Import]:
        """A page of them, without the single problems of their reports.

        Args:
            state: None: any.
        """
        async with self._unit_of_work() as uow:
            return await uow.imports.find(caller.user_id, state, page)
