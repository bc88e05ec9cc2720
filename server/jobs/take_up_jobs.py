"""Takes up jobs that nobody works at any more. Not an RPC: every worker does it, every few seconds."""

from __future__ import annotations

from datetime import timedelta

from server.jobs.domain.job import JobState
from server.jobs.ports import UnitOfWorkFactory
from server.kernel.clock import Clock

SILENT_FOR = timedelta(seconds=15)
"""An attempt that has not said for so long that it is alive is given up for dead."""
OVERDUE_FOR = timedelta(seconds=15)
"""A job that was due so long ago and is in no queue was lost between the queue and its worker."""
_AT_ONCE = 200


class TakeUpJobs:
    """Finds jobs whose worker died, and queues them again or gives them up, as their kind's terms say.

    Args:
        unit_of_work: opens transactions.
        clock: tells the time.
        silent_for, overdue_for: as above.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        silent_for: timedelta = SILENT_FOR,
        overdue_for: timedelta = OVERDUE_FOR,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._silent_for = silent_for
        self._overdue_for = overdue_for

    async def __call__(self) -> int:
        """Takes up what there is; returns how many jobs."""
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            stalled = await uow.jobs.lock_stalled(self._silent_for, _AT_ONCE)
            for job in stalled:
                # The worker's death says little about the job; but one that kills its workers must not go on at once.
                first = job.attempts == 1 and job.state is JobState.RUNNING
                await uow.jobs.save(job.interrupted(now, timedelta(0) if first else None))
            lost = await uow.jobs.queue_lost(now - self._overdue_for, _AT_ONCE)
            await uow.commit()
        return len(stalled) + lost
