"""Puts mails into the outbox. They are stored with what they are about, or not at all, and outlive the process."""

from __future__ import annotations

from datetime import datetime

from server.accounts.domain.outgoing_mail import MailKind, OutgoingMail, OutgoingMailId
from server.accounts.ports import UnitOfWork, Wake
from server.accounts.repeat import Repeat
from server.kernel.clock import IdSource
from server.kernel.identity import UserId


class Outbox:
    """Makes outgoing mails.

    Args:
        ids: makes their ids.
        wake: has them sent soon; without it they are sent a little later.
    """

    def __init__(self, ids: IdSource, wake: Wake) -> None:
        self._ids = ids
        self._wake = wake

    async def put(
        self,
        uow: UnitOfWork,
        kind: MailKind,
        address: str,
        now: datetime,
        *,
        user_id: UserId | None = None,
        repeat: Repeat | None = None,
    ) -> None:
        """Stores a mail in a transaction; what it says is made when it is sent.

        Args:
            user_id: whose account it is about; None where that is to be looked up.
            repeat: a repeat of the request sends nothing more; only where `user_id` is None.
        """
        await uow.outgoing_mails.add(
            OutgoingMail(
                OutgoingMailId(self._ids.new_id()),
                kind,
                address,
                created_at=now,
                due_at=now,
                user_id=user_id,
                request_id=None if repeat is None else repeat.request_id,
                body_hash=None if repeat is None else repeat.body_hash,
            )
        )

    def wake(self) -> None:
        """Has mails sent soon, once their transaction has been committed."""
        self._wake()
