"""RequestPasswordReset: has a token mailed that a forgotten password can be replaced with."""

from __future__ import annotations

from server.accounts.domain.outgoing_mail import MailKind
from server.accounts.domain.user import normalize_email
from server.accounts.guard import Guard
from server.accounts.outbox import Outbox
from server.accounts.ports import UnitOfWorkFactory
from server.accounts.repeat import Repeat
from server.kernel.clock import Clock


class RequestPasswordReset:
    """Has a token mailed to the address of an active account.

    The call stores that it was asked, whatever the address, and answers. Whether there is such an account is looked up
    when the mail is made, so that neither the answer nor its time tells.

    Args:
        unit_of_work: opens a transaction.
        outbox: takes the mail.
        clock: tells the time.
        guard: counts requests.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, outbox: Outbox, clock: Clock, guard: Guard) -> None:
        self._unit_of_work = unit_of_work
        self._outbox = outbox
        self._clock = clock
        self._guard = guard

    async def __call__(self, email: str, network: str, repeat: Repeat | None) -> None:
        """Takes the request; says nothing about whether there is such an account.

        Args:
            email: as given.
            network: where the call comes from.
            repeat: makes the call safe to retry.

        Raises:
            ResourceExhausted: RATE_LIMITED, whether there is such an account or not.
        """
        address = normalize_email(email)
        await self._guard.mail_to(address, network)
        async with self._unit_of_work() as uow:
            await self._outbox.put(uow, MailKind.PASSWORD_RESET, address, self._clock.now(), repeat=repeat)
            await uow.commit()
        self._outbox.wake()
