"""ListSessions: the caller's live sessions."""

from __future__ import annotations

from server.accounts.domain.session import Session
from server.accounts.ports import UnitOfWorkFactory
from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.kernel.paging import Page, PageRequest


class ListSessions:
    """Lists sessions, the last refreshed first.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, page: PageRequest) -> Page[Session]:
        """A page of the caller's live sessions."""
        async with self._unit_of_work() as uow:
            return await uow.sessions.list_live(caller.user_id, self._clock.now(), page)
