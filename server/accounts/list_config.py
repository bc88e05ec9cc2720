"""ListConfig: the configuration table, for administrators."""

from __future__ import annotations

from server.accounts.domain.administration import ConfigEntry
from server.accounts.ports import UnitOfWorkFactory
from server.kernel.paging import Page, PageRequest


class ListConfig:
    """Lists the configuration table in the order of its keys.

    Args:
        unit_of_work: opens a transaction.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, key_prefix: str, page: PageRequest) -> Page[ConfigEntry]:
        """A page of the entries whose keys begin so."""
        async with self._unit_of_work() as uow:
            return await uow.config.list(key_prefix, page)
