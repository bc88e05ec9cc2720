"""ListJobs: the caller's jobs, newest first."""

from __future__ import annotations

from server.jobs.domain.job import Job
from server.jobs.ports import JobFilter, UnitOfWorkFactory
from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.kernel.paging import Page, PageRequest


class ListJobs:
    """Lists jobs that have not expired, without their results."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, wanted: JobFilter, page: PageRequest) -> Page[Job]:
        """A page of the caller's jobs."""
        async with self._unit_of_work() as uow:
            return await uow.jobs.list(caller.user_id, wanted, page, self._clock.now())
