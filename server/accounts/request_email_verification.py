"""RequestEmailVerification: has a token mailed that shows that an address reaches its owner."""

from __future__ import annotations

from dataclasses import dataclass, field

from server.accounts.authenticate import session_revoked
from server.accounts.change_password import confirm_password
from server.accounts.domain.one_time_token import Purpose
from server.accounts.domain.outgoing_mail import MailKind
from server.accounts.domain.password import Password
from server.accounts.domain.user import normalize_email
from server.accounts.guard import Guard
from server.accounts.outbox import Outbox
from server.accounts.ports import PasswordHasher, UnitOfWorkFactory
from server.accounts.repeat import Repeat
from server.errors import Aborted, Reason
from server.kernel.clock import Clock
from server.kernel.identity import Caller

_METHOD = "/kaiwa.accounts.v1.AccountsService/RequestEmailVerification"


@dataclass(frozen=True, slots=True)
class NewAddress:
    """An address to change to. Its repr hides it.

    Attributes:
        email: as given.
        password: the caller's, to show that it is them.
    """

    email: str = field(repr=False)
    password: Password


class RequestEmailVerification:
    """Has a token mailed to the caller's address, or to one that they want to change to.

    Args:
        unit_of_work: opens a transaction.
        hasher: compares passwords.
        outbox: takes the mail.
        clock: tells the time.
        guard: counts guesses of the password, and mails.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        hasher: PasswordHasher,
        outbox: Outbox,
        clock: Clock,
        guard: Guard,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._hasher = hasher
        self._outbox = outbox
        self._clock = clock
        self._guard = guard

    async def __call__(self, caller: Caller, wanted: NewAddress | None, network: str, repeat: Repeat | None) -> None:
        """Takes the mail to be sent.

        Args:
            caller: who asks.
            network: where the call comes from.
            wanted: the address to change to; None: the present one is to be verified.
            repeat: makes the call safe to retry.

        Raises:
            InvalidInput: PASSWORD_INCORRECT.
            AlreadyExists: REQUEST_ID_REUSED.
            ResourceExhausted: RATE_LIMITED.
            Unauthenticated: SESSION_REVOKED, when the session was ended meanwhile.
            Aborted: CONCURRENT_CHANGE, when the password was changed meanwhile.
        """
        confirmed = None
        if wanted is not None:
            confirmed = await confirm_password(
                self._unit_of_work, self._hasher, self._guard, caller, wanted.password, "password"
            )
            await self._guard.mail_to(normalize_email(wanted.email), network)
        await self._guard.mail_by(caller.user_id)
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            present = await uow.users.lock(caller.user_id)
            access = None if present is None else await uow.sessions.access(caller.session_id, now)
            # Whoever was signed out while the password was compared moves no account any more.
            if present is None or access is None or not access.session_live:
                raise session_revoked()
            if confirmed is not None and present.password_hash != confirmed.password_hash:
                raise Aborted(Reason.CONCURRENT_CHANGE, "The password was changed by another call. Try again.")
            if repeat is not None:
                claim = (caller.user_id, _METHOD, repeat.request_id)
                if await uow.idempotency.claim(*claim, repeat.body_hash, now) is not None:
                    return
                await uow.idempotency.store(*claim, b"")
            email = present.user.email if wanted is None else normalize_email(wanted.email)
            if not (present.user.verified and email == present.user.email):
                # The newest link only is to be good. Whether the address is another's is looked up when the mail is
                # made: the answer takes as long.
                await uow.one_time_tokens.void(caller.user_id, Purpose.VERIFY_EMAIL)
                await uow.outgoing_mails.void(caller.user_id, MailKind.VERIFICATION)
                await self._outbox.put(uow, MailKind.VERIFICATION, email, now, user_id=caller.user_id)
            await uow.commit()
        self._outbox.wake()
