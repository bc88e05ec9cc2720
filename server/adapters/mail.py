"""Mail: sent by SMTP, or written into a folder where there is no server for it."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, make_msgid
from pathlib import Path
from typing import TypeAlias

from server.accounts.domain.user import User
from server.accounts.ports import Mail, MailNotSent
from server.kernel.clock import Clock, IdSource

Delivery: TypeAlias = Callable[[EmailMessage], None]
"""Sends one message; waits for it. Raises OSError (smtplib's errors are among them) when it can't."""

_READY = 220


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is sent.

    Attributes:
        host, port: the server's.
        implicit_tls: whether the connection begins with TLS. If not, it goes over to TLS where the server can; with a
            user it has to.
        user, password: to sign in with; None: without.
        patience: how long to wait for each step.
    """

    host: str
    port: int
    implicit_tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    patience: timedelta = timedelta(seconds=20)


class MailSender:
    """Sends mails one after another, in a thread of its own.

    Args:
        deliver: sends one.
        sender: the address that mails come from, such as `Kaiwa <kaiwa@example.org>`.
        clock: dates them.
    """

    def __init__(self, deliver: Delivery, sender: str, clock: Clock) -> None:
        self._deliver = deliver
        self._sender = sender
        self._clock = clock
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="mail")

    async def __call__(self, mail: Mail) -> None:
        """Sends a mail, and waits until it has gone out.

        Raises:
            MailNotSent: it has not.
        """
        try:
            message = self._message(mail)
        except ValueError as error:
            # An address or a subject that would break a header.
            raise MailNotSent(type(error).__name__, may_pass=False) from None
        try:
            await asyncio.get_running_loop().run_in_executor(self._executor, self._deliver, message)
        except OSError as error:
            # Not the error's text: it may hold the address.
            raise MailNotSent(type(error).__name__) from None

    def close(self) -> None:
        """Ends the thread once what it is at has been sent."""
        self._executor.shutdown(cancel_futures=True)

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._sender
        local, _, domain = mail.to.rpartition("@")
        message["To"] = Address(username=local, domain=domain)
        message["Subject"] = mail.subject
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = make_msgid(domain="kaiwa")
        # No answering machine shall answer.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(mail.text)
        return message


def to_folder(folder: Path, ids: IdSource) -> Delivery:
    """Writes messages into a folder instead of sending them, one `.eml` each, the newest sorted last.

    Args:
        folder: made, for this user only, with the first message.
        ids: names the files.
    """

    def deliver(message: EmailMessage) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{ids.new_id()}.eml"
        draft = folder / f".{name}"
        draft.touch(0o600)
        draft.write_bytes(message.as_bytes())
        draft.rename(folder / name)

    return deliver


class FolderMails:
    """What `to_folder` has written.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def forget(self, user: User, addresses: frozenset[str]) -> None:
        """Deletes mails to a user: those to their addresses, or that greet them by name at an earlier address."""
        await asyncio.to_thread(self._forget, user.username, {address.lower() for address in addresses})

    def _forget(self, username: str, addresses: set[str]) -> None:
        for path in self._folder.glob("*.eml"):
            with contextlib.suppress(FileNotFoundError):
                message = message_from_bytes(path.read_bytes(), policy=policy.default)
                to = {address.lower() for _, address in getaddresses(message.get_all("To", []))}
                greeting = message.get_content().partition(",")[0]
                if to & addresses or greeting == f"Hello {username}":
                    path.unlink()


def to_smtp(server: SmtpServer) -> Delivery:
    """Sends messages, each over a connection of its own. Certificates are checked."""

    def deliver(message: EmailMessage) -> None:
        seconds, tls = server.patience.total_seconds(), ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(server.host, server.port, timeout=seconds, context=tls)
            if server.implicit_tls
            else smtplib.SMTP(server.host, server.port, timeout=seconds)
        ) as smtp:
            smtp.ehlo_or_helo_if_needed()
            if not server.implicit_tls and (server.user is not None or smtp.has_extn("starttls")):
                code, _ = smtp.starttls(context=tls)
                if code != _READY:
                    # Someone between may want the mail in the clear.
                    raise smtplib.SMTPNotSupportedError("the server does not begin with TLS, which it offered")
            if server.user is not None:
                smtp.login(server.user, server.password or "")
            smtp.send_message(message)

    return deliver
