"""WatchJob: a job as it is now, and again whenever it changes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import timedelta

from server.errors import NotFound, Reason, ResourceExhausted, Unauthenticated, Unavailable
from server.jobs.domain.job import Job
from server.jobs.domain.kinds import JobKind
from server.jobs.get_job import GetJob, job_not_found
from server.jobs.ports import CallerCheck, Changes, JobChanges
from server.kernel.clock import Clock
from server.kernel.identity import Caller, UserId

MOST_WATCHES = 8
"""Open streams of one account on one server."""
HEARTBEAT = timedelta(seconds=15)
"""The longest time without a message."""
FAREWELL_WITHIN = timedelta(seconds=2)
"""How long to wait for how a job ended that is found to be no more."""
LEAST_PAUSE = timedelta(milliseconds=200)
"""The shortest time between two messages."""


class WatchJob:
    """Follows jobs.

    Args:
        get_job: reads a job.
        changes: tells of changes.
        check_caller: looks whether the caller's session still lives.
        clock: tells the time.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        get_job: GetJob,
        changes: JobChanges,
        check_caller: CallerCheck,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._get_job = get_job
        self._changes = changes
        self._check_caller = check_caller
        self._clock = clock
        self._sleep = sleep
        self._open: Counter[UserId] = Counter()
        self._stopping = asyncio.Event()

    def end_all(self) -> None:
        """Ends every stream, because the server stops."""
        self._stopping.set()

    async def __call__(self, caller: Caller, job_id: str) -> AsyncGenerator[Job, None]:
        """Gives the job at once, after each change, and every 15 s; ends after a final state.

        The deletion of an account is followed to its end, though nothing is left of it then.

        Raises:
            NotFound: JOB_NOT_FOUND, also when it is somebody else's, or when it is deleted meanwhile.
            ResourceExhausted: TOO_MANY_JOB_WATCHES.
            Unauthenticated: TOKEN_EXPIRED, SESSION_REVOKED.
            PermissionDenied: ACCOUNT_INACTIVE.
            Unavailable: SHUTTING_DOWN.
        """
        self._enter(caller.user_id)
        try:
            async with self._changes.watch(job_id) as changes:
                job = await self._get_job(caller, job_id)
                yield job
                while not job.state.final:
                    changed = await self._wait(changes, caller)
                    try:
                        latest = await self._get_job(caller, job_id)
                    except NotFound:
                        latest = await self._last_state(changes, job)
                    if latest != job or not changed:
                        yield latest
                    job = latest
        finally:
            self._leave(caller.user_id)

    async def _last_state(self, changes: Changes, job: Job) -> Job:
        """How a job ended that went with its owner's account.

        Raises:
            NotFound: JOB_NOT_FOUND, when nobody has told.
        """
        if changes.farewell is None and job.kind is JobKind.DELETION:
            # That it is gone can be seen before it is told.
            waits = {asyncio.ensure_future(changes.wait()), asyncio.ensure_future(self._sleep(FAREWELL_WITHIN.seconds))}
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
                await asyncio.gather(*waits, return_exceptions=True)
        if changes.farewell is None:
            raise job_not_found(job.id)
        return job.parted(changes.farewell)

    def _enter(self, user_id: UserId) -> None:
        if self._open[user_id] >= MOST_WATCHES:
            raise ResourceExhausted(
                Reason.TOO_MANY_JOB_WATCHES,
                f"You have {MOST_WATCHES} jobs under watch. End a stream first.",
                metadata={"limit": str(MOST_WATCHES)},
            )
        self._open[user_id] += 1

    def _leave(self, user_id: UserId) -> None:
        self._open[user_id] -= 1
        if not self._open[user_id]:
            del self._open[user_id]

    async def _wait(self, changes: Changes, caller: Caller) -> bool:
        """Waits for a change or for as long as there may be silence; returns whether there was a change."""
        token_left = (caller.expires_at - self._clock.now()).total_seconds()
        silence = min(HEARTBEAT.total_seconds(), max(0.0, token_left))
        waits = {
            asyncio.ensure_future(self._after_pause(changes)): "change",
            asyncio.ensure_future(self._sleep(silence)): "silence",
            asyncio.ensure_future(self._stopping.wait()): "stop",
        }
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
        happened = {waits[wait] for wait in done}
        if "stop" in happened:
            raise Unavailable(Reason.SHUTTING_DOWN, "The server is shutting down. Watch the job again.")
        if self._clock.now() >= caller.expires_at:
            raise Unauthenticated(
                Reason.TOKEN_EXPIRED,
                "The access token has expired. Refresh it and watch the job again.",
                metadata={"expired_at": caller.expires_at.isoformat()},
            )
        if "change" in happened or changes.farewell is not None:
            return True
        await self._check_caller(caller)
        return False

    async def _after_pause(self, changes: Changes) -> None:
        await self._sleep(LEAST_PAUSE.total_seconds())
        await changes.wait()
