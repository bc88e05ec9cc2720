"""DeleteMe: begins the deletion of the caller's account, of which there is no way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Generic, TypeVar

from server.accounts.authenticate import session_revoked
from server.accounts.change_password import confirm_password
from server.accounts.domain.one_time_token import Purpose
from server.accounts.domain.password import Password
from server.accounts.domain.session import EndReason
from server.accounts.domain.user import Credentials
from server.accounts.guard import Guard
from server.accounts.ports import BeginJob, PasswordHasher, UnitOfWork
from server.errors import Aborted, FailedPrecondition, Reason
from server.kernel.clock import Clock
from server.kernel.identity import Caller

U = TypeVar("U", bound=UnitOfWork)


class DeleteMe(Generic[U]):
    """Closes an account and queues the job that erases it.

    Args:
        unit_of_work: opens a transaction.
        hasher: compares passwords.
        begin: queues the job.
        clock: tells the time.
        guard: counts guesses.
    """

    def __init__(
        self,
        unit_of_work: Callable[[], U],
        hasher: PasswordHasher,
        begin: BeginJob[U],
        clock: Clock,
        guard: Guard,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._hasher = hasher
        self._begin = begin
        self._clock = clock
        self._guard = guard

    async def __call__(self, caller: Caller, password: Password, network: str) -> str:
        """The id of the job: the first one's, when the deletion has begun already.

        Args:
            network: where the call comes from, which is no more known to be the owner's then.

        Raises:
            InvalidInput: PASSWORD_INCORRECT.
            ResourceExhausted: RATE_LIMITED.
            FailedPrecondition: LAST_ADMIN.
            Unauthenticated: SESSION_REVOKED, when the session was ended meanwhile.
            Aborted: CONCURRENT_CHANGE, when the password was changed meanwhile.
        """
        found = await confirm_password(self._unit_of_work, self._hasher, self._guard, caller, password, "password")
        job_id = await self._close(caller, found)
        await self._guard.forget(found.user, network)
        return job_id

    async def _close(self, caller: Caller, found: Credentials) -> str:
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            # In the order of UpdateUser, so that nothing deadlocks.
            admins = await uow.users.lock_active_admins()
            present = await uow.users.lock(caller.user_id)
            access = await uow.sessions.access(caller.session_id, now)
            # Whoever was signed out while the password was compared deletes nothing any more.
            if present is None or access is None or not access.session_live:
                raise session_revoked()
            if present.user.deletion_job_id is not None:
                return present.user.deletion_job_id
            if present.password_hash != found.password_hash:
                raise Aborted(Reason.CONCURRENT_CHANGE, "The password was changed by another call. Try again.")
            if admins == {caller.user_id}:
                raise FailedPrecondition(
                    Reason.LAST_ADMIN,
                    "No active administrator would be left. Make another one first.",
                    metadata={"user_id": caller.user_id},
                )
            job_id = await self._begin(uow, caller.user_id, {})
            await uow.users.save(replace(present.user, deletion_job_id=job_id, updated_at=now))
            await uow.sessions.end_all(caller.user_id, EndReason.ACCOUNT_DELETED, now, keep=caller.session_id)
            for purpose in Purpose:
                await uow.one_time_tokens.void(caller.user_id, purpose)
            await uow.commit()
        return job_id
