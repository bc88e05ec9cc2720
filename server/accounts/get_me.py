"""GetMe: returns the caller's account."""

from __future__ import annotations

from server.accounts.authenticate import session_revoked
from server.accounts.domain.user import User
from server.accounts.ports import UnitOfWorkFactory
from server.kernel.identity import Caller


class GetMe:
    """Reads the caller's account.

    Args:
        unit_of_work: opens a transaction.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, caller: Caller) -> User:
        """The account.

        Raises:
            Unauthenticated: SESSION_REVOKED, when the account was deleted a moment ago.
        """
        async with self._unit_of_work() as uow:
            user = await uow.users.get(caller.user_id)
        if user is None:
            raise session_revoked()
        return user
