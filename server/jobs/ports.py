"""What jobs need from outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from server.jobs.domain.job import Farewell, Job, JobState, Progress
from server.jobs.domain.kinds import JobKind
from server.kernel.identity import Caller, UserId
from server.kernel.paging import Page, PageRequest


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list holds; empty means any."""

    kinds: frozenset[JobKind] = frozenset()
    states: frozenset[JobState] = frozenset()


class JobRepository(Protocol):
    """Stores jobs, and hands those that are queued to the workers. Whoever watches a job learns of what is stored."""

    async def add(self, job: Job) -> None:
        """Stores a new job and queues it, in this transaction."""
        ...

    async def get(self, user_id: UserId, job_id: str, now: datetime) -> Job | None:
        """A job of this user that has not expired."""
        ...

    async def list(self, user_id: UserId, wanted: JobFilter, page: PageRequest, now: datetime) -> Page[Job]:
        """The user's jobs that have not expired, newest first, without their results."""
        ...

    async def count_unfinished(self, user_id: UserId) -> int:
        """How many of the user's jobs have not ended. Until the transaction ends nobody else can count them."""
        ...

    async def latest_unfinished(self, user_id: UserId, kind: JobKind) -> str | None:
        """The id of the user's latest job of a kind that has not ended."""
        ...

    async def lock(self, job_id: str) -> Job | None:
        """A job as it is now and stays, but for this transaction, until the transaction ends."""
        ...

    async def save(self, job: Job) -> None:
        """Stores a locked job's next step; one that is queued is handed to the workers again, for its due time."""
        ...

    async def beat(self, job_id: str, attempt: int, progress: Progress, now: datetime) -> JobState | None:
        """Says that an attempt is alive and how far it is; progress that is behind what is stored changes nothing.

        Returns:
            The job's state; None when the attempt is no longer the one that runs the job.
        """
        ...

    async def announce(self, job_id: str, farewell: Farewell) -> None:
        """Tells those who watch a job how it ended, when this transaction removes it."""
        ...

    async def lock_unfinished(self, user_id: UserId) -> Sequence[Job]:
        """Locks the user's jobs that have not ended, the oldest first."""
        ...

    async def lock_stalled(self, silent_for: timedelta, limit: int) -> Sequence[Job]:
        """Locks jobs whose attempts have been silent for so long, those that nobody else holds."""
        ...

    async def queue_lost(self, overdue_since: datetime, limit: int) -> int:
        """Queues jobs again that wait, were due before then, and are in no worker's queue; returns how many."""
        ...


class UnitOfWork(Protocol):
    """A transaction that rolls back unless it is committed."""

    @property
    def jobs(self) -> JobRepository:
        """The jobs."""
        ...

    async def commit(self) -> None:
        """Makes everything done so far durable."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


UnitOfWorkFactory: TypeAlias = Callable[[], UnitOfWork]

CallerCheck: TypeAlias = Callable[[Caller], Awaitable[None]]
"""Raises Unauthenticated or PermissionDenied when the caller's session has ended meanwhile."""


class Changes(Protocol):
    """Tells of changes to a job, whichever process made them."""

    @property
    def farewell(self) -> Farewell | None:
        """How the job ended, once it has gone with its owner's account."""
        ...

    async def wait(self) -> None:
        """Returns once something may have changed since the last call (at first: since the watch began)."""
        ...


class JobChanges(Protocol):
    """Where changes are told."""

    def watch(self, job_id: str) -> AbstractAsyncContextManager[Changes]:
        """Watches a job until the block ends; from its beginning on no change is missed."""
        ...
