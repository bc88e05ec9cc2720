from __future__ import annotations

from server.accounts.repeat import Repeat
from tests.support.accounts import HOME, Accounts, make_user

REPEAT = Repeat("7d0c7b5e-0000-4000-8000-000000000001", b"1" * 32)


async def test_mails_a_link_to_the_address_as_the_account_has_it(accounts: Accounts) -> None:
    accounts.add_user(make_user())

    await accounts.request_password_reset("MIKA@example.com", HOME, None)
    await accounts.background.finish()

    (mail,) = accounts.mailer.posted
    assert mail.to == "mika@example.com"
    assert f"https://app.example/reset-password#token={accounts.mailed_token()}" in mail.text
    assert accounts.mailed_token() not in repr(accounts.state.mailed)


async def test_known_and_unknown_addresses_are_stored_alike_and_looked_up_later(accounts: Accounts) -> None:
    accounts.add_user(make_user())

    for email in ("mika@example.com", "nobody@example.com"):
        await accounts.request_password_reset(email, HOME, None)

    kept = list(accounts.state.outgoing.values())
    assert [(mail.address, mail.user_id) for mail in kept] == [("mika@example.com", None), ("nobody@example.com", None)]
    assert (accounts.background.woken, accounts.mailer.posted, accounts.state.mailed) == (2, [], {})
    await accounts.background.finish()
    assert [mail.to for mail in accounts.mailer.posted] == ["mika@example.com"]
    assert accounts.state.outgoing == {}


async def test_an_inactive_account_gets_no_mail(accounts: Accounts) -> None:
    accounts.add_user(make_user(active=False))

    await accounts.request_password_reset("mika@example.com", HOME, None)
    await accounts.background.finish()

    assert accounts.mailer.posted == []


async def test_a_retry_sends_one_mail_and_another_request_with_its_id_none(accounts: Accounts) -> None:
    accounts.add_user(make_user())

    for repeat in (REPEAT, REPEAT, Repeat(REPEAT.request_id, b"2" * 32)):
        await accounts.request_password_reset("mika@example.com", HOME, repeat)
        await accounts.background.finish()

    assert len(accounts.mailer.posted) == 1


async def test_an_account_that_goes_before_its_mail(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    await accounts.request_password_reset("mika@example.com", HOME, None)
    del accounts.state.users[user.id]

    await accounts.background.finish()

    assert accounts.mailer.posted == []
