"""Mails outlive the process that was asked for them: each step may be the last one, and none is lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.domain.outgoing_mail import LEASE
from server.accounts.domain.password import Password
from server.accounts.ports import MailNotSent
from server.accounts.repeat import Repeat
from server.accounts.request_email_verification import NewAddress
from server.errors import InvalidInput, Reason
from tests.support.accounts import HOME, Accounts, make_user
from tests.support.secrets import logging_as_in_production

REPEAT = Repeat("7d0c7b5e-0000-4000-8000-000000000001", b"1" * 32)
OTHER = "0198c0de-0000-7000-9000-000000000002"


class Killed(BaseException):
    """The process ends here."""


async def test_a_mail_of_a_server_that_was_killed_is_sent_by_another(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.request_password_reset("mika@example.com", HOME, REPEAT)

    # Killed before anything was sent: nothing but the row is left.
    assert await accounts.send_mails() == 1

    assert [mail.to for mail in accounts.mailer.posted] == ["mika@example.com"]
    assert await accounts.send_mails() == 0


@pytest.mark.parametrize("repeat", [None, REPEAT], ids=["without an id", "with an id"])
async def test_killed_while_it_sends_the_mail_comes_after_the_lease(accounts: Accounts, repeat: Repeat | None) -> None:
    accounts.add_user(make_user())
    await accounts.request_password_reset("mika@example.com", HOME, repeat)
    accounts.mailer.failures.append(Killed())
    with pytest.raises(Killed):
        await accounts.send_mails()

    # Whoever looks meanwhile leaves it to the one that may still be at it.
    assert await accounts.send_mails() == 0
    accounts.clock.advance(LEASE)
    assert await accounts.send_mails() == 1

    await accounts.reset_password(accounts.mailed_token(), Password("battery staple"), HOME)


async def test_killed_after_it_was_sent_it_comes_twice_and_the_newer_link_is_good(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.request_password_reset("mika@example.com", HOME, None)
    (row,) = accounts.state.outgoing.values()
    await accounts.send_mails()
    older = accounts.mailed_token()
    accounts.state.outgoing[row.id] = replace(row, attempts=1, due_at=row.due_at + LEASE)
    accounts.clock.advance(LEASE)

    assert await accounts.send_mails() == 1

    with pytest.raises(InvalidInput) as refused:
        await accounts.reset_password(older, Password("battery staple"), HOME)
    assert refused.value.reason is Reason.RESET_TOKEN_INVALID
    await accounts.reset_password(accounts.mailed_token(), Password("battery staple"), HOME)


async def test_what_can_not_be_sent_is_tried_again_after_longer_and_longer_pauses(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.request_password_reset("mika@example.com", HOME, None)
    accounts.mailer.failures.extend(MailNotSent("SMTPServerDisconnected") for _ in range(3))
    for seconds in (5, 10, 20):
        assert await accounts.send_mails() == 0
        accounts.clock.advance(timedelta(seconds=seconds - 1))
        assert await accounts.send_mails() == 0
        accounts.clock.advance(timedelta(seconds=1))

    assert await accounts.send_mails() == 1
    assert not accounts.mailer.failures


async def test_it_is_given_up_after_a_day_and_nothing_of_it_is_logged(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.request_password_reset("mika@example.com", HOME, None)
    accounts.mailer.failures.extend(MailNotSent("SMTPServerDisconnected") for _ in range(1000))
    with logging_as_in_production() as log:
        for _ in range(100):
            assert await accounts.send_mails() == 0
            accounts.clock.advance(timedelta(minutes=30))

    assert accounts.state.outgoing == {}
    assert 40 < len(log.lines) < 70
    assert {(line["event"], line["again"]) for line in log.lines[:-1]} == {("mail not sent", True)}
    assert log.lines[-1]["event"] == "mail given up"
    assert "mika" not in log.text


async def test_what_can_never_be_sent_is_given_up_at_once(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.request_password_reset("mika@example.com", HOME, None)
    accounts.mailer.failures.append(MailNotSent("HeaderParseError", may_pass=False))

    assert await accounts.send_mails() == 0

    assert accounts.state.outgoing == {}


async def test_a_mail_that_kills_who_makes_it_is_given_up_after_a_day(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.request_password_reset("mika@example.com", HOME, None)
    accounts.mailer.failures.extend(Killed() for _ in range(1000))
    for _ in range(8):
        with pytest.raises(Killed):
            await accounts.send_mails()
        accounts.clock.advance(timedelta(hours=3))

    with logging_as_in_production() as log:
        assert await accounts.send_mails() == 0
    assert accounts.state.outgoing == {}
    assert [line["event"] for line in log.lines] == ["mail given up"]


async def test_one_that_fails_does_not_hold_up_the_others(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    accounts.add_user(make_user(OTHER, email="other@example.com", username="other"))
    for address in ("mika@example.com", "other@example.com"):
        await accounts.request_password_reset(address, HOME, None)
    accounts.mailer.failures.append(MailNotSent("SMTPRecipientsRefused"))

    assert await accounts.send_mails() == 1

    assert [mail.to for mail in accounts.mailer.posted] == ["other@example.com"]


async def test_a_new_address_that_is_taken_meanwhile_gets_the_notice(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    wanted = NewAddress("new@example.com", Password("correct horse"))
    await accounts.request_email_verification(await accounts.caller(), wanted, HOME, None)
    accounts.add_user(make_user(OTHER, email="New@example.com", username="other"))

    await accounts.send_mails()

    (mail,) = [mail for mail in accounts.mailer.posted if "token" not in mail.text]
    assert mail.to == "New@example.com"


async def test_a_mail_that_was_asked_for_with_a_password_that_has_changed_is_not_sent(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    caller = await accounts.caller()
    old, new = Password("correct horse"), Password("battery staple")
    await accounts.request_email_verification(caller, NewAddress("thief@example.com", old), HOME, None)
    posted = len(accounts.mailer.posted)
    accounts.mailer.failures.append(MailNotSent("SMTPServerDisconnected"))
    await accounts.request_email_verification(caller, NewAddress("thief2@example.com", old), HOME, None)
    assert accounts.state.outgoing

    await accounts.change_password(caller, old, new)
    accounts.clock.advance(timedelta(hours=1))
    await accounts.send_mails()

    assert len(accounts.mailer.posted) == posted
    assert accounts.state.outgoing == {}


async def test_an_account_that_is_closed_gets_no_more_mails(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    caller = await accounts.caller()
    await accounts.request_password_reset("mika@example.com", HOME, None)
    wanted = NewAddress("new@example.com", Password("correct horse"))
    accounts.mailer.failures.append(MailNotSent("SMTPServerDisconnected"))
    await accounts.request_email_verification(caller, wanted, HOME, None)
    posted = len(accounts.mailer.posted)
    accounts.add_user(replace(user, active=False))
    accounts.clock.advance(timedelta(hours=1))

    await accounts.send_mails()

    assert len(accounts.mailer.posted) == posted
    assert accounts.state.outgoing == {}
