"""ListUsers: the accounts, for administrators."""

from __future__ import annotations

from server.accounts.domain.administration import UserFilter
from server.accounts.domain.user import User
from server.accounts.ports import UnitOfWorkFactory
from server.kernel.paging import Page, PageRequest


class ListUsers:
    """Lists accounts, the newest first.

    Args:
        unit_of_work: opens a transaction.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, wanted: UserFilter, page: PageRequest) -> Page[User]:
        """A page of the accounts that are wanted."""
        async with self._unit_of_work() as uow:
            return await uow.users.list(wanted, page)
