from __future__ import annotations

import email
import email.policy
import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from server.accounts.ports import Mail
from server.adapters.mail import FolderMails, PostedMails, SmtpServer, to_folder, to_smtp
from tests.support.accounts import make_user
from tests.support.kernel import CountingIds, FixedClock

MAIL = Mail("mika+test@example.com", "Reset your password", "Hello mika,\n\nhere: token-1\n")
SENDER = "Kaiwa <kaiwa@example.org>"
AT_ONCE = (timedelta(0), timedelta(0))


class Delivery:
    """Fails a number of times, then takes what it gets."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.last = threading.Event()
        self.tries = 0
        self.taken: list[EmailMessage] = []

    def __call__(self, message: EmailMessage) -> None:
        self.tries += 1
        if self.tries == 1 + len(AT_ONCE):
            self.last.set()
        if self.tries <= self.failures:
            raise smtplib.SMTPRecipientsRefused({MAIL.to: (550, b"unknown")})
        self.taken.append(message)


def test_mails_are_written_into_a_folder_that_only_this_user_reads(tmp_path: Path) -> None:
    folder = tmp_path / "mail"
    mails = PostedMails(to_folder(folder, CountingIds()), SENDER, FixedClock())

    mails.post(MAIL)
    mails.post(MAIL)
    mails.close()

    first, second = sorted(folder.iterdir())
    assert (first.suffix, second.suffix) == (".eml", ".eml")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert first.stat().st_mode & 0o777 == 0o600
    message = email.message_from_bytes(first.read_bytes(), policy=email.policy.default)
    assert (message["To"], message["From"], message["Subject"]) == (MAIL.to, SENDER, MAIL.subject)
    assert message["Date"] == "Mon, 23 Nov 2026 12:00:00 +0000"
    body = message.get_body()
    assert body is not None
    assert body.get_content() == MAIL.text


def test_what_can_not_be_sent_is_tried_again_and_given_up_without_a_word_of_it() -> None:
    passing, lasting = Delivery(failures=2), Delivery(failures=9)
    with capture_logs() as logs:
        for delivery in (passing, lasting):
            mails = PostedMails(delivery, SENDER, FixedClock(), pauses=AT_ONCE)
            mails.post(MAIL)
            delivery.last.wait(10)
            mails.close()

    assert (passing.tries, len(passing.taken)) == (3, 1)
    assert (lasting.tries, len(lasting.taken)) == (3, 0)
    assert MAIL.to not in str(logs)
    assert "token-1" not in str(logs)


def test_an_address_that_breaks_a_header_is_not_sent() -> None:
    delivery = Delivery()
    mails = PostedMails(delivery, SENDER, FixedClock())

    with capture_logs() as logs:
        mails.post(Mail("mika@example.com\r\nBcc: all@example.com", "Subject", "text"))
        mails.close()

    assert delivery.taken == []
    assert [line["event"] for line in logs] == ["mail not sent"]


def test_more_than_can_wait_is_dropped() -> None:
    going, release = threading.Event(), threading.Event()
    taken: list[EmailMessage] = []

    def deliver(message: EmailMessage) -> None:
        going.set()
        release.wait(10)
        taken.append(message)

    mails = PostedMails(deliver, SENDER, FixedClock(), waiting=2)
    with capture_logs() as logs:
        mails.post(MAIL)
        going.wait(10)
        mails.post(MAIL)
        mails.post(MAIL)
        release.set()
        mails.close()
        mails.post(MAIL)

    assert len(taken) == 2
    assert [line["event"] for line in logs].count("mail dropped") == 2


@contextmanager
def smtp_server(transcript: list[str], *, tls: bool) -> Iterator[int]:
    """A server that takes one message and offers STARTTLS without meaning it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rwb") as stream:

                def say(text: str) -> None:
                    stream.write(f"{text}\r\n".encode())
                    stream.flush()

                say("220 test")
                in_data = False
                for raw in stream:
                    line = raw.decode().rstrip("\r\n")
                    transcript.append(line)
                    if in_data:
                        in_data = line != "."
                        if not in_data:
                            say("250 taken")
                    elif line.upper().startswith("EHLO"):
                        say("250-test")
                        say("250 STARTTLS" if tls else "250 HELP")
                    elif line.upper() == "DATA":
                        in_data = True
                        say("354 go on")
                    elif line == "STARTTLS":
                        say("454 not now")
                    elif line == "QUIT":
                        say("221 bye")
                        break
                    else:
                        say("250 well")

        thread = threading.Thread(target=answer)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(10)


def test_mails_go_out_by_smtp() -> None:
    transcript: list[str] = []
    with smtp_server(transcript, tls=False) as port:
        mails = PostedMails(to_smtp(SmtpServer("127.0.0.1", port)), SENDER, FixedClock())
        mails.post(MAIL)
        mails.close()

    assert "mail FROM:<kaiwa@example.org>" in [line.split(" size=")[0] for line in transcript]
    assert f"rcpt TO:<{MAIL.to}>" in transcript
    assert "here: token-1" in transcript


@pytest.mark.parametrize(("user", "tls"), [("kaiwa", True), ("kaiwa", False), (None, True)])
def test_no_password_and_no_mail_goes_out_in_the_clear_where_tls_could_be(user: str | None, tls: bool) -> None:
    transcript: list[str] = []
    with smtp_server(transcript, tls=tls) as port:
        deliver = to_smtp(SmtpServer("127.0.0.1", port, user=user, password="hidden"))
        with pytest.raises(OSError, match=r".*"):
            deliver(EmailMessage())

    assert not any(line.upper().startswith(("AUTH", "MAIL", "DATA")) for line in transcript)


def mails_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.eml"))


async def test_mails_to_one_who_leaves_are_deleted(tmp_path: Path) -> None:
    mails = PostedMails(to_folder(tmp_path, CountingIds()), SENDER, FixedClock())
    for to, greeting in (
        ("Mika@example.com", "mika"),
        ("new@example.net", "somebody"),
        ("old@example.net", "mika"),
        ("ken@example.com", "ken"),
        ("mikami@example.com", "mikami"),
    ):
        mails.post(Mail(to, "Your address", f"Hello {greeting},\n\nhere.\n"))
    mails.close()
    (tmp_path / "notes.txt").write_text("mika@example.com")

    await FolderMails(tmp_path).forget(make_user(), frozenset({"mika@example.com", "new@example.net"}))

    left = [email.message_from_bytes(path.read_bytes()) for path in mails_in(tmp_path)]
    assert [message["To"] for message in left] == ["ken@example.com", "mikami@example.com"]
    assert (tmp_path / "notes.txt").exists()
    await FolderMails(tmp_path / "none").forget(make_user(), frozenset())
