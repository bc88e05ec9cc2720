"""Runs one attempt of a job. Not an RPC: workers do it.

Whatever an attempt stores, it stores in a transaction that, last, locks the job and finds it still running under the
attempt's own number. So an attempt that was given up for dead can't store anything any more, and what a job does is
done once, however many attempts it took.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, Protocol, TypeAlias, TypeVar

from server.errors import Aborted, ApplicationError, Reason, ResourceExhausted, Unavailable
from server.jobs.domain.job import Failure, Farewell, Job, JobState, Progress
from server.jobs.domain.kinds import TERMS, JobKind, Terms
from server.jobs.domain.results import JobResult
from server.jobs.ports import UnitOfWork
from server.kernel.clock import Clock

BEAT = timedelta(seconds=1)
"""How often an attempt says that it is alive, and looks whether it is to stop."""

_log = logging.getLogger("kaiwa.jobs")

U = TypeVar("U", bound=UnitOfWork)
V = TypeVar("V")
U_contra = TypeVar("U_contra", contravariant=True)

Effect: TypeAlias = Callable[[U], Awaitable[V]]
"""Does something in a transaction; what it has done is stored with the job's own step or not at all."""


@dataclass(frozen=True, slots=True)
class WithOwner(Generic[U]):
    """What comes of a job that goes with its owner's account.

    Attributes:
        result: told to those who watch the job at that moment.
        remove_owner: removes the account, and the job with it, in the transaction of the last part.
    """

    result: JobResult
    remove_owner: Effect[U, None]


Outcome: TypeAlias = JobResult | WithOwner[U]


class Superseded(Exception):
    """The attempt is no longer the one that runs its job, or was told to stop: what it did is not stored."""


class Run(Generic[U]):
    """One attempt, as the handler of its kind sees it.

    Attributes:
        job: as it was when the attempt began; `job.attempts` is the attempt's number.
        progress: as it was reported last.
        checkpoint: what attempts so far keep for later ones, as JSON values; stored with the next step.
    """

    def __init__(self, job: Job, unit_of_work: Callable[[], U], clock: Clock) -> None:
        self.job = job
        self.progress = job.progress
        self.checkpoint: dict[str, object] = dict(job.checkpoint)
        self._unit_of_work = unit_of_work
        self._clock = clock

    def report(self, done: int, total: int | None = None, stage: str = "") -> None:
        """Says how far it is; shown with the next beat. Less than before changes nothing."""
        self.progress = self.progress.advanced(Progress(done, total, stage))

    async def step(self, effect: Effect[U, V], done: int | None = None) -> V:
        """Stores a part of the work, with the progress reported so far, all or nothing.

        Args:
            effect: the part.
            done: how far the job is with it. Where this is the only report of what is done, a later attempt can go on
                at `job.progress.done`.

        Raises:
            Superseded: nothing was stored; the handler lets it pass.
        """
        async with self._unit_of_work() as uow:
            made = await effect(uow)
            job = await self._locked(uow)
            progress = job.progress.advanced(Progress(done or 0))
            kept = dict(self.checkpoint)
            await uow.jobs.save(replace(job, progress=progress, checkpoint=kept, updated_at=self._clock.now()))
            await uow.commit()
        self.progress = self.progress.advanced(progress)
        return made

    async def finish(self, effect: Effect[U, Outcome[U]]) -> None:
        """Stores the last part of the work together with the job's end.

        Raises:
            Superseded: nothing was stored.
        """
        async with self._unit_of_work() as uow:
            outcome = await effect(uow)
            job, now = await self._locked(uow), self._clock.now()
            if isinstance(outcome, WithOwner):
                ended = job.succeeded(outcome.result, now)
                await uow.jobs.announce(job.id, Farewell(now, job.attempts, ended.progress, outcome.result))
                await outcome.remove_owner(uow)
            else:
                await uow.jobs.save(job.succeeded(outcome, now))
            await uow.commit()

    async def end(self, next_step: Callable[[Job], Job]) -> None:
        """Stores how the attempt ended, unless it is no longer the one that runs the job."""
        async with self._unit_of_work() as uow:
            job = await uow.jobs.lock(self.job.id)
            if job is not None and self._runs(job):
                await uow.jobs.save(next_step(self._with_progress(job)))
                await uow.commit()

    def _runs(self, job: Job) -> bool:
        return job.attempts == self.job.attempts and job.state in {JobState.RUNNING, JobState.CANCELLING}

    async def _locked(self, uow: U) -> Job:
        job = await uow.jobs.lock(self.job.id)
        if job is None or not self._runs(job) or job.state is JobState.CANCELLING:
            raise Superseded
        return self._with_progress(job)

    def _with_progress(self, job: Job) -> Job:
        self.progress = job.progress.advanced(self.progress)
        return replace(job, progress=self.progress)


class Handler(Protocol[U]):
    """Does the work of one kind of job."""

    async def __call__(self, run: Run[U]) -> Effect[U, Outcome[U]]:
        """Does all but the last part; may be cancelled wherever it awaits.

        Returns:
            The last part, which is stored together with the job's end.
        """
        ...


class RunJob(Generic[U]):
    """Runs attempts.

    Args:
        unit_of_work: opens transactions.
        handlers: who does the work of each kind.
        clock: tells the time.
        beat: how often an attempt says that it is alive.
        terms: how each kind is run.
    """

    def __init__(
        self,
        unit_of_work: Callable[[], U],
        handlers: Mapping[JobKind, Handler[U]],
        clock: Clock,
        beat: timedelta = BEAT,
        terms: Mapping[JobKind, Terms] = TERMS,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._handlers = handlers
        self._clock = clock
        self._beat = beat.total_seconds()
        self._terms = terms

    async def __call__(self, job_id: str) -> None:
        """Runs an attempt to its end. Does nothing when the job waits for none; being called twice does no harm.

        Cancelled, it gives the job back for another worker to go on with.
        """
        async with self._unit_of_work() as uow:
            job = await uow.jobs.lock(job_id)
            if job is None or job.state is not JobState.QUEUED:
                return
            begun = job.begun(self._clock.now())
            await uow.jobs.save(begun)
            await uow.commit()
        await self._attempt(Run(begun, self._unit_of_work, self._clock))

    async def _attempt(self, run: Run[U]) -> None:
        work = asyncio.create_task(self._work(run))
        beats = asyncio.create_task(self._keep_beating(run, work))
        try:
            # Never raises for the work's own end; cancelling this call leaves the work to be cancelled below.
            await asyncio.wait({work})
        except asyncio.CancelledError:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            await run.end(lambda job: job.given_back(self._clock.now()))
            raise
        finally:
            beats.cancel()
            await asyncio.gather(beats, return_exceptions=True)
        if work.cancelled() or work.exception() is not None:
            await run.end(self._outcome(run, work))

    async def _work(self, run: Run[U]) -> None:
        limit = asyncio.timeout(self._terms[run.job.kind].longest.total_seconds())
        try:
            async with limit:
                effect = await self._handlers[run.job.kind](run)
                await run.finish(effect)
        except TimeoutError:
            if limit.expired():
                raise _TookTooLong from None
            raise

    def _outcome(self, run: Run[U], work: asyncio.Task[None]) -> Callable[[Job], Job]:
        """What becomes of the job, if it still is this attempt's to decide."""
        now = self._clock.now()
        if work.cancelled() or isinstance(work.exception(), Superseded):
            # Told to stop: then the job is cancelling. Given up for dead: then it is not this attempt's.
            return lambda job: job.interrupted(now)
        error = work.exception()
        if isinstance(error, (Unavailable, Aborted, ResourceExhausted)):
            # Another attempt may find it mended.
            return lambda job: job.interrupted(now)
        failure = self._failure(run.job, error)
        if not self._terms[run.job.kind].gives_up:
            return lambda job: job.interrupted(now)
        return lambda job: job.cancelled(now) if job.state is JobState.CANCELLING else job.failed(failure, now)

    def _failure(self, job: Job, error: BaseException | None) -> Failure:
        if isinstance(error, ApplicationError):
            return Failure(error.reason, error.message, tuple(error.metadata.items()))
        if isinstance(error, _TookTooLong):
            limit = f"{self._terms[job.kind].longest.total_seconds():g}"
            return Failure(Reason.JOB_TIMED_OUT, f"It ran for more than {limit} s.", (("limit_seconds", limit),))
        error_id = str(uuid.uuid4())
        _log.error("a job failed", exc_info=error, extra={"error_id": error_id, "job_id": job.id, "kind": job.kind})
        return Failure(
            Reason.INTERNAL,
            f"Something went wrong on our side. It is in our log as {error_id}.",
            (("error_id", error_id),),
        )

    async def _keep_beating(self, run: Run[U], work: asyncio.Task[None]) -> None:
        while True:
            await asyncio.sleep(self._beat)
            with contextlib.suppress(ApplicationError):
                # The database is away: that says nothing about the job.
                async with self._unit_of_work() as uow:
                    state = await uow.jobs.beat(run.job.id, run.job.attempts, run.progress, self._clock.now())
                    await uow.commit()
                if state is not JobState.RUNNING:
                    work.cancel()
                    return


class _TookTooLong(Exception):
    """An attempt took longer than one of its kind may."""
