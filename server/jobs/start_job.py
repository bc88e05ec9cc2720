"""Begins a job in the transaction of whoever needs it. Not an RPC: the services whose work it is ask for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from server.errors import Reason, ResourceExhausted
from server.jobs.domain.job import Job
from server.jobs.domain.kinds import JobKind
from server.jobs.ports import UnitOfWork
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import UserId

MOST_UNFINISHED = 10
"""Unfinished jobs that an account may have; the contract says so."""


class StartJob:
    """Makes jobs."""

    def __init__(self, clock: Clock, ids: IdSource) -> None:
        self._clock = clock
        self._ids = ids

    async def __call__(
        self,
        uow: UnitOfWork,
        user_id: UserId,
        kind: JobKind,
        input: Mapping[str, object],
        subject_id: str | None = None,
    ) -> str:
        """Queues a job, which begins once the transaction has been committed; nothing of it stays otherwise.

        Args:
            uow: the transaction; its commit is the caller's.
            user_id: for whom.
            kind: what it does.
            input: what it is asked, as JSON values.
            subject_id: the thing it works on, where it has an id of its own.

        Returns:
            Its id.

        Raises:
            ResourceExhausted: TOO_MANY_JOBS. The deletion of an account is not counted.
        """
        if kind is not JobKind.DELETION and await uow.jobs.count_unfinished(user_id) >= MOST_UNFINISHED:
            raise ResourceExhausted(
                Reason.TOO_MANY_JOBS,
                f"You have {MOST_UNFINISHED} jobs that have not ended. Wait for one to end or cancel one.",
                metadata={"limit": str(MOST_UNFINISHED)},
                retry_after=timedelta(seconds=30),
            )
        job = Job.asked(self._ids.new_id(), user_id, kind, self._clock.now(), input, subject_id)
        await uow.jobs.add(job)
        return job.id
