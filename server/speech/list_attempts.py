"""ListAttempts: the learner's speaking history."""

from __future__ import annotations

from server.kernel.identity import Caller
from server.kernel.paging import Page, PageRequest
from server.speech.domain.attempt import Attempt
from server.speech.storage import AttemptFilter, UnitOfWorkFactory


class ListAttempts:
    """Lists outlines of attempts, newest first."""

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, caller: Caller, wanted: AttemptFilter, page: PageRequest) -> Page[Attempt]:
        """A page of the caller's attempts."""
        async with self._unit_of_work() as uow:
            return await uow.attempts.list(caller.user_id, wanted, page)
