"""Stops all that runs for an account. Not an RPC: the deletion of the account begins with it."""

from __future__ import annotations

from server.jobs.ports import UnitOfWork
from server.kernel.clock import Clock
from server.kernel.identity import UserId


class StopJobs:
    """Tells a user's jobs to stop, all that can be cancelled."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, uow: UnitOfWork, user_id: UserId) -> int:
        """Cancels those that wait and tells those that run; returns how many still run.

        Args:
            uow: the transaction; its commit is the caller's.
        """
        running = 0
        for job in await uow.jobs.lock_unfinished(user_id):
            if not job.terms.cancellable:
                continue
            stopping = job.told_to_stop(self._clock.now())
            if stopping is not job:
                await uow.jobs.save(stopping)
            running += not stopping.state.final
        return running
