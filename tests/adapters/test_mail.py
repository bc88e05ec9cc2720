from __future__ import annotations

import email
import email.policy
import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import pytest

from server.accounts.ports import Mail, MailNotSent
from server.adapters.mail import Delivery, FolderMails, MailSender, SmtpServer, to_folder, to_smtp
from tests.support.accounts import make_user
from tests.support.kernel import CountingIds, FixedClock

MAIL = Mail("mika+test@example.com", "Reset your password", "Hello mika,\n\nhere: token-1\n")
SENDER = "Kaiwa <kaiwa@example.org>"


async def send(deliver: Delivery, *mails: Mail) -> None:
    sender = MailSender(deliver, SENDER, FixedClock())
    try:
        for mail in mails:
            await sender(mail)
    finally:
        sender.close()


async def test_mails_are_written_into_a_folder_that_only_this_user_reads(tmp_path: Path) -> None:
    folder = tmp_path / "mail"

    await send(to_folder(folder, CountingIds()), MAIL, MAIL)

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


async def test_what_can_not_be_sent_is_told_without_a_word_of_it() -> None:
    def refuse(message: EmailMessage) -> None:
        raise smtplib.SMTPRecipientsRefused({MAIL.to: (550, b"unknown")})

    with pytest.raises(MailNotSent) as refused:
        await send(refuse, MAIL)

    assert (str(refused.value), refused.value.may_pass) == ("SMTPRecipientsRefused", True)
    assert refused.value.__cause__ is None


async def test_an_address_that_breaks_a_header_is_not_sent() -> None:
    taken: list[EmailMessage] = []

    with pytest.raises(MailNotSent) as refused:
        await send(taken.append, Mail("mika@example.com\r\nBcc: all@example.com", "Subject", "text"))

    assert not refused.value.may_pass
    assert taken == []


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


async def test_mails_go_out_by_smtp() -> None:
    transcript: list[str] = []
    with smtp_server(transcript, tls=False) as port:
        await send(to_smtp(SmtpServer("127.0.0.1", port)), MAIL)

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
    names = (
        ("Mika@example.com", "mika"),
        ("new@example.net", "somebody"),
        ("old@example.net", "mika"),
        ("ken@example.com", "ken"),
        ("mikami@example.com", "mikami"),
    )
    mails = [Mail(to, "Your address", f"Hello {greeting},\n\nhere.\n") for to, greeting in names]
    await send(to_folder(tmp_path, CountingIds()), *mails)
    (tmp_path / "notes.txt").write_text("mika@example.com")

    await FolderMails(tmp_path).forget(make_user(), frozenset({"mika@example.com", "new@example.net"}))

    left = [email.message_from_bytes(path.read_bytes()) for path in mails_in(tmp_path)]
    assert [message["To"] for message in left] == ["ken@example.com", "mikami@example.com"]
    assert (tmp_path / "notes.txt").exists()
    await FolderMails(tmp_path / "none").forget(make_user(), frozenset())
