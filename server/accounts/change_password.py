"""ChangePassword: sets another password for the caller and ends all their other sessions."""

from __future__ import annotations

from server.accounts.authenticate import session_revoked
from server.accounts.domain.one_time_token import Purpose
from server.accounts.domain.outgoing_mail import MailKind
from server.accounts.domain.password import Password, check_password
from server.accounts.domain.session import EndReason
from server.accounts.domain.user import Credentials
from server.accounts.guard import Guard
from server.accounts.ports import PasswordHasher, UnitOfWorkFactory
from server.errors import Aborted, InvalidInput, Reason
from server.kernel.clock import Clock
from server.kernel.identity import Caller


class ChangePassword:
    """Changes a password that is known.

    Args:
        unit_of_work: opens a transaction.
        hasher: compares and hashes passwords.
        clock: tells the time.
        guard: counts guesses.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, hasher: PasswordHasher, clock: Clock, guard: Guard) -> None:
        self._unit_of_work = unit_of_work
        self._hasher = hasher
        self._clock = clock
        self._guard = guard

    async def __call__(self, caller: Caller, current: Password, new: Password) -> int:
        """How many other sessions were ended.

        Raises:
            InvalidInput: PASSWORD_INCORRECT, PASSWORD_TOO_COMMON.
            ResourceExhausted: RATE_LIMITED.
            Unauthenticated: SESSION_REVOKED, when the session was ended meanwhile.
            Aborted: CONCURRENT_CHANGE, when the password was changed meanwhile.
        """
        found = await confirm_password(
            self._unit_of_work, self._hasher, self._guard, caller, current, "current_password"
        )
        check_password(new, email=found.user.email, username=found.user.username, field="new_password")
        password_hash = await self._hasher.hash(new)
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            present = await uow.users.lock(caller.user_id)
            access = await uow.sessions.access(caller.session_id, now)
            # Whoever was signed out while the passwords were hashed changes nothing any more.
            if present is None or access is None or not access.session_live:
                raise session_revoked()
            if present.password_hash != found.password_hash:
                raise Aborted(Reason.CONCURRENT_CHANGE, "The password was changed by another call. Try again.")
            await uow.users.set_password_hash(caller.user_id, password_hash)
            await uow.one_time_tokens.void(caller.user_id, Purpose.RESET_PASSWORD)
            # Whoever knew the old password may have asked to move the account to an address of theirs.
            await uow.one_time_tokens.void(caller.user_id, Purpose.VERIFY_EMAIL, sparing=present.user.email)
            await uow.outgoing_mails.void(caller.user_id, MailKind.VERIFICATION, sparing=present.user.email)
            ended = await uow.sessions.end_all(caller.user_id, EndReason.PASSWORD_CHANGED, now, keep=caller.session_id)
            await uow.commit()
        return ended


async def confirm_password(
    unit_of_work: UnitOfWorkFactory,
    hasher: PasswordHasher,
    guard: Guard,
    caller: Caller,
    password: Password,
    field: str,
) -> Credentials:
    """The caller's account, once their password has shown that it is them.

    Args:
        field: path of the password in the request, for the error.

    Raises:
        InvalidInput: PASSWORD_INCORRECT.
        ResourceExhausted: RATE_LIMITED, after too many guesses in this session.
        Unauthenticated: SESSION_REVOKED, when the account was deleted a moment ago.
    """
    await guard.password(caller.session_id)
    async with unit_of_work() as uow:
        found = await uow.users.lock(caller.user_id)
    if found is None:
        raise session_revoked()
    if not (await hasher.verify(password, found.password_hash)).matches:
        raise InvalidInput(field, "is not the account's password", reason=Reason.PASSWORD_INCORRECT)
    await guard.password_shown(caller.session_id)
    return found
