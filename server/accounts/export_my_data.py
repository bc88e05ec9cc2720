"""ExportMyData: begins a job that gathers all that is held of the caller."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from server.accounts.authenticate import session_revoked
from server.accounts.domain.export import DAY, MOST_A_DAY
from server.accounts.ports import BeginJob, UnitOfWork
from server.accounts.repeat import Repeat
from server.errors import Reason, ResourceExhausted
from server.kernel.clock import Clock
from server.kernel.identity import Caller

_METHOD = "/kaiwa.accounts.v1.AccountsService/ExportMyData"

U = TypeVar("U", bound=UnitOfWork)


class ExportMyData(Generic[U]):
    """Begins exports.

    Args:
        unit_of_work: opens a transaction.
        begin: queues the job.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: Callable[[], U], begin: BeginJob[U], clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._begin = begin
        self._clock = clock

    async def __call__(self, caller: Caller, *, omit_audio: bool, repeat: Repeat | None) -> str:
        """The id of the job: a new one's, or that of an export with the same contents that has not ended.

        Args:
            omit_audio: whether recordings are left out.
            repeat: makes the call safe to retry.

        Raises:
            ResourceExhausted: TOO_MANY_JOBS, RATE_LIMITED.
            AlreadyExists: REQUEST_ID_REUSED.
            Unauthenticated: SESSION_REVOKED, when the account was deleted a moment ago.
        """
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            # One after another: two calls at once begin one export.
            if await uow.users.lock(caller.user_id) is None:
                raise session_revoked()
            claim = None if repeat is None else (caller.user_id, _METHOD, repeat.request_id)
            if claim is not None and repeat is not None:
                first = await uow.idempotency.claim(*claim, repeat.body_hash, now)
                if first is not None:
                    return first.decode()
            job_id = await uow.exports.unfinished(caller.user_id, omit_audio=omit_audio)
            if job_id is None:
                self._check_rate(await uow.exports.begun_since(caller.user_id, now - DAY), now)
                job_id = await self._begin(uow, caller.user_id, {"omit_audio": omit_audio})
            if claim is not None:
                await uow.idempotency.store(*claim, job_id.encode())
            await uow.commit()
        return job_id

    def _check_rate(self, begun: Sequence[datetime], now: datetime) -> None:
        if len(begun) < MOST_A_DAY:
            return
        raise ResourceExhausted(
            Reason.RATE_LIMITED,
            f"You have asked for {len(begun)} exports in a day; {MOST_A_DAY} are allowed.",
            metadata={"limit": str(MOST_A_DAY), "period_seconds": f"{DAY.total_seconds():.0f}"},
            retry_after=begun[-MOST_A_DAY] + DAY - now,
        )
