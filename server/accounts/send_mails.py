"""Sends what is in the outbox. Not an RPC: servers that answer for accounts do it.

A mail is taken, made and sent, and then deleted. Whoever dies in between leaves it to be taken again after a while: it
may come twice, and the older token is void then, but it is never lost.
"""

from __future__ import annotations

import logging
from datetime import datetime

from server.accounts.domain.one_time_token import Purpose
from server.accounts.domain.outgoing_mail import LEASE, MailKind, OutgoingMail
from server.accounts.domain.user import User, sign_in_key
from server.accounts.mailed_tokens import MailedTokens
from server.accounts.mails import MailTexts
from server.accounts.ports import Mail, MailNotSent, SendMail, UnitOfWork, UnitOfWorkFactory
from server.errors import AlreadyExists
from server.kernel.clock import Clock

_RESET = "/kaiwa.accounts.v1.AccountsService/RequestPasswordReset"

_log = logging.getLogger("kaiwa.mail")


class SendMails:
    """Sends mails that are due.

    Args:
        unit_of_work: opens a transaction.
        tokens: makes the tokens in them.
        texts: writes them.
        send: sends one.
        clock: tells the time.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        tokens: MailedTokens,
        texts: MailTexts,
        send: SendMail,
        clock: Clock,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._tokens = tokens
        self._texts = texts
        self._send = send
        self._clock = clock

    async def __call__(self) -> int:
        """Sends all that is due, one after another; how many were sent."""
        sent = 0
        while (mail := await self._take()) is not None:
            sent += await self._deal_with(mail)
        return sent

    async def _take(self) -> OutgoingMail | None:
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            mail = await uow.outgoing_mails.take(now, now + LEASE)
            await uow.commit()
        return mail

    async def _deal_with(self, outgoing: OutgoingMail) -> bool:
        again_at: datetime | None = None
        if outgoing.attempts > 1 and outgoing.again_at(self._clock.now()) is None:
            _log.warning("mail given up", extra={"kind": outgoing.kind.value, "attempts": outgoing.attempts})
            mail = None
        else:
            mail = await self._make(outgoing)
        if mail is not None:
            try:
                await self._send(mail)
            except MailNotSent as error:
                again_at = outgoing.again_at(self._clock.now()) if error.may_pass else None
                # Neither the address nor what the mail server said, which may hold it.
                _log.warning(
                    "mail not sent",
                    extra={"kind": outgoing.kind.value, "error": str(error), "again": again_at is not None},
                )
                mail = None
            else:
                _log.info("mail sent", extra={"kind": outgoing.kind.value})
        async with self._unit_of_work() as uow:
            if again_at is None:
                await uow.outgoing_mails.delete(outgoing.id)
            else:
                await uow.outgoing_mails.put_off(outgoing.id, again_at)
            await uow.commit()
        return mail is not None

    async def _make(self, outgoing: OutgoingMail) -> Mail | None:
        """The mail; None where there is nothing to be sent any more."""
        make = {
            MailKind.PASSWORD_RESET: self._password_reset,
            MailKind.VERIFICATION: self._verification,
            MailKind.ADDRESS_CHANGED: self._address_changed,
        }[outgoing.kind]
        async with self._unit_of_work() as uow:
            mail = await make(uow, outgoing)
            await uow.commit()
        return mail

    async def _password_reset(self, uow: UnitOfWork, outgoing: OutgoingMail) -> Mail | None:
        found = await uow.users.find_by_email(sign_in_key(outgoing.address))
        present = None if found is None else await uow.users.lock(found.user.id)
        if present is None or not _may_be_written_to(present.user):
            return None
        user, now = present.user, self._clock.now()
        if outgoing.request_id is not None and outgoing.body_hash is not None:
            claim = (user.id, _RESET, outgoing.request_id)
            try:
                first = await uow.idempotency.claim(*claim, outgoing.body_hash, now)
            except AlreadyExists:
                # The id of another request, which the answer can't tell without telling of the account.
                return None
            if first is None:
                await uow.idempotency.store(*claim, outgoing.id.encode())
            elif first != outgoing.id.encode():
                return None
        token = await self._tokens.issue(uow, user.id, Purpose.RESET_PASSWORD, user.email, now)
        return self._texts.password_reset(user.email, user.username, token)

    async def _verification(self, uow: UnitOfWork, outgoing: OutgoingMail) -> Mail | None:
        present = None if outgoing.user_id is None else await uow.users.lock(outgoing.user_id)
        if present is None or not _may_be_written_to(present.user):
            return None
        # Under the lock: a newer request or another password may have voided it since it was taken.
        if not await uow.outgoing_mails.waits(outgoing.id):
            return None
        user = present.user
        if user.verified and outgoing.address == user.email:
            return None
        holder = await uow.users.find_by_email(sign_in_key(outgoing.address))
        if holder is not None and holder.user.id != user.id:
            return self._texts.address_in_use(holder.user.email, holder.user.username)
        token = await self._tokens.issue(uow, user.id, Purpose.VERIFY_EMAIL, outgoing.address, self._clock.now())
        return self._texts.verification(outgoing.address, user.username, token)

    async def _address_changed(self, uow: UnitOfWork, outgoing: OutgoingMail) -> Mail | None:
        user = None if outgoing.user_id is None else await uow.users.get(outgoing.user_id)
        return None if user is None else self._texts.address_changed(outgoing.address, user.username)


def _may_be_written_to(user: User) -> bool:
    return user.active and user.deletion_job_id is None
