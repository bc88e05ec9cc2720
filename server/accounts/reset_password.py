"""ResetPassword: sets a new password by the token that was mailed for it."""

from __future__ import annotations

from dataclasses import replace

from server.accounts.domain.one_time_token import OneTimeToken, Purpose
from server.accounts.domain.outgoing_mail import MailKind
from server.accounts.domain.password import Password, check_password
from server.accounts.domain.secret import secret_digest
from server.accounts.domain.session import EndReason
from server.accounts.domain.user import Credentials
from server.accounts.guard import Guard
from server.accounts.ports import PasswordHasher, UnitOfWork, UnitOfWorkFactory
from server.errors import InvalidInput, Reason
from server.kernel.clock import Clock


class ResetPassword:
    """Replaces a forgotten password, and ends all sessions of the account.

    Args:
        unit_of_work: opens a transaction.
        hasher: hashes passwords.
        clock: tells the time.
        guard: learns whose network it is.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, hasher: PasswordHasher, clock: Clock, guard: Guard) -> None:
        self._unit_of_work = unit_of_work
        self._hasher = hasher
        self._clock = clock
        self._guard = guard

    async def __call__(self, token: str, new: Password, network: str) -> None:
        """Sets the password. The address that the token was mailed to counts as verified by it.

        Whatever others have tried meanwhile, the owner can sign in at once from the network of this call.

        Args:
            token: as it was mailed.
            new: the password.
            network: where the call comes from.

        Raises:
            InvalidInput: RESET_TOKEN_INVALID; PASSWORD_TOO_COMMON, after which the token is still good.
        """
        digest = secret_digest(token)
        async with self._unit_of_work() as uow:
            _, found = await self._good(uow, digest)
        check_password(new, email=found.user.email, username=found.user.username, field="new_password")
        password_hash = await self._hasher.hash(new)
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            good, present = await self._good(uow, digest)
            user = present.user
            await uow.one_time_tokens.use(good.id, now)
            # Whoever knew the old password may have asked to move the account to an address of theirs.
            await uow.one_time_tokens.void(user.id, Purpose.VERIFY_EMAIL, sparing=user.email)
            await uow.outgoing_mails.void(user.id, MailKind.VERIFICATION, sparing=user.email)
            await uow.users.set_password_hash(user.id, password_hash)
            if not user.verified:
                await uow.users.save(replace(user, verified=True, updated_at=now))
            await uow.sessions.end_all(user.id, EndReason.PASSWORD_RESET, now)
            await uow.commit()
        await self._guard.proved(user, network)

    async def _good(self, uow: UnitOfWork, digest: bytes) -> tuple[OneTimeToken, Credentials]:
        """The token and its account, which is locked.

        Raises:
            InvalidInput: RESET_TOKEN_INVALID.
        """
        if (found := await uow.one_time_tokens.find(digest, Purpose.RESET_PASSWORD)) is None:
            raise _invalid()
        present = await uow.users.lock(found.user_id)
        # Again, under the lock: another call may have used or voided it.
        found = await uow.one_time_tokens.find(digest, Purpose.RESET_PASSWORD)
        if found is None or found.used_at is not None or found.expired(self._clock.now()):
            raise _invalid()
        if present is None or not present.user.may_sign_in or present.user.email != found.email:
            raise _invalid()
        return found, present


def _invalid() -> InvalidInput:
    return InvalidInput(
        "token",
        "is unknown, has expired, was used, or was replaced by a newer one",
        reason=Reason.RESET_TOKEN_INVALID,
    )
