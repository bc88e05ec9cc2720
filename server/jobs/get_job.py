"""GetJob: a job as it is now."""

from __future__ import annotations

from server.errors import NotFound, Reason
from server.jobs.domain.job import Job
from server.jobs.ports import UnitOfWorkFactory
from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.kernel.leaving import deletion_started


class GetJob:
    """Finds a job of the caller's."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, job_id: str) -> Job:
        """The job with its result.

        Raises:
            PermissionDenied: ACCOUNT_DELETION_STARTED, for any but the job that deletes the caller's account.
            NotFound: JOB_NOT_FOUND, also when it is somebody else's.
        """
        if caller.deletion_job_id not in {None, job_id}:
            raise deletion_started(caller.deletion_job_id or "")
        async with self._unit_of_work() as uow:
            job = await uow.jobs.get(caller.user_id, job_id, self._clock.now())
        if job is None:
            raise job_not_found(job_id)
        return job


def job_not_found(job_id: str) -> NotFound:
    """What a caller gets who has no such job, for whatever reason."""
    return NotFound(Reason.JOB_NOT_FOUND, "You have no such job.", metadata={"job_id": job_id})
