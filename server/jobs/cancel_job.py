"""CancelJob: asks a job to stop."""

from __future__ import annotations

from server.jobs.domain.job import Job
from server.jobs.get_job import job_not_found
from server.jobs.ports import UnitOfWorkFactory
from server.kernel.clock import Clock
from server.kernel.identity import Caller


class CancelJob:
    """Cancels a job that waits and tells one that runs to stop; its worker looks for that every second."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, job_id: str) -> Job:
        """The job after the asking.

        Raises:
            NotFound: JOB_NOT_FOUND, also when it is somebody else's.
            FailedPrecondition: JOB_NOT_CANCELLABLE.
        """
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            # Only the owner's question may wait for the lock: another's gets the answer of a job that is not there.
            mine = await uow.jobs.get(caller.user_id, job_id, now)
            job = None if mine is None else await uow.jobs.lock(job_id)
            if job is None:
                raise job_not_found(job_id)
            stopping = job.told_to_stop(now)
            if stopping is not job:
                await uow.jobs.save(stopping)
                await uow.commit()
        return stopping
