"""VerifyEmail: takes the token that was mailed to an address as the proof that it reaches its owner."""

from __future__ import annotations

from dataclasses import replace

from server.accounts.domain.one_time_token import Purpose
from server.accounts.domain.outgoing_mail import MailKind
from server.accounts.domain.secret import secret_digest
from server.accounts.outbox import Outbox
from server.accounts.ports import UnitOfWorkFactory
from server.errors import InvalidInput, Reason
from server.kernel.clock import Clock


class VerifyEmail:
    """Marks an address as verified and, if it is a new one, makes it the account's.

    Args:
        unit_of_work: opens a transaction.
        outbox: takes the mail that tells the old address of a new one.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, outbox: Outbox, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._outbox = outbox
        self._clock = clock

    async def __call__(self, token: str) -> None:
        """Verifies the address; a token that has done its work does it no second time, which is no error.

        Raises:
            InvalidInput: VERIFICATION_TOKEN_INVALID.
            AlreadyExists: EMAIL_TAKEN.
        """
        digest, now = secret_digest(token), self._clock.now()
        async with self._unit_of_work() as uow:
            if (found := await uow.one_time_tokens.find(digest, Purpose.VERIFY_EMAIL)) is None:
                raise _invalid()
            present = await uow.users.lock(found.user_id)
            # Again, under the lock: a newer one may have voided it.
            found = await uow.one_time_tokens.find(digest, Purpose.VERIFY_EMAIL)
            if present is None or not present.user.may_sign_in or found is None or found.expired(now):
                raise _invalid()
            if found.used_at is not None:
                return
            old = present.user
            await uow.users.save(replace(old, email=found.email, verified=True, updated_at=now))
            await uow.one_time_tokens.use(found.id, now)
            if moved := found.email != old.email:
                # Whoever reads the old address has no say any more.
                await uow.one_time_tokens.void(old.id, Purpose.RESET_PASSWORD)
                await self._outbox.put(uow, MailKind.ADDRESS_CHANGED, old.email, now, user_id=old.id)
            await uow.commit()
        if moved:
            self._outbox.wake()


def _invalid() -> InvalidInput:
    return InvalidInput(
        "token",
        "is unknown, has expired, or was replaced by a newer one",
        reason=Reason.VERIFICATION_TOKEN_INVALID,
    )
