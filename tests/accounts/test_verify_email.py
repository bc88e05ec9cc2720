from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.domain.password import Password
from server.accounts.request_email_verification import NewAddress
from server.errors import AlreadyExists, InvalidInput, Reason
from tests.support.accounts import HOME, Accounts, make_user, sign_in

OTHER = "0198c0de-0000-7000-9000-000000000002"


async def ask(accounts: Accounts, email: str | None = None) -> str:
    """The token that Mika is mailed."""
    wanted = None if email is None else NewAddress(email, Password("correct horse"))
    await accounts.request_email_verification(await accounts.caller("mika"), wanted, HOME, None)
    await accounts.background.finish()
    return accounts.mailed_token()


async def refusal(accounts: Accounts, token: str) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        await accounts.verify_email(token)
    return refused.value


async def test_verifies_the_address_and_tells_nobody(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    token = await ask(accounts)
    accounts.clock.advance(timedelta(hours=23))

    await accounts.verify_email(token)
    await accounts.background.finish()

    assert accounts.state.users[user.id].user == replace(user, verified=True, updated_at=accounts.clock.now())
    assert len(accounts.mailer.posted) == 1


async def test_a_new_address_takes_the_olds_place_which_is_told(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    token = await ask(accounts, "new@example.com")

    await accounts.verify_email(token)
    await accounts.background.finish()

    assert accounts.state.users[user.id].user == replace(user, email="new@example.com", verified=True)
    assert [mail.to for mail in accounts.mailer.posted] == ["new@example.com", "mika@example.com"]
    assert "new@example.com" not in accounts.mailer.posted[-1].text
    await accounts.login(sign_in("new@example.com"))


async def test_who_reads_the_old_address_can_not_reset_the_password(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.request_password_reset("mika@example.com", HOME, None)
    await accounts.background.finish()
    reset = accounts.mailed_token()

    await accounts.verify_email(await ask(accounts, "new@example.com"))
    await accounts.background.finish()

    with pytest.raises(InvalidInput) as refused:
        await accounts.reset_password(reset, Password("battery staple"), HOME)
    assert refused.value.reason is Reason.RESET_TOKEN_INVALID


async def test_a_token_that_has_done_its_work_answers_until_it_expires(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    token = await ask(accounts, "new@example.com")
    await accounts.verify_email(token)
    await accounts.background.finish()
    moved = accounts.state.users[user.id]
    await accounts.verify_email(await ask(accounts, "newer@example.com"))
    await accounts.background.finish()

    await accounts.verify_email(token)
    await accounts.background.finish()

    assert accounts.state.users[user.id].user.email == "newer@example.com" != moved.user.email
    accounts.clock.advance(timedelta(hours=24))
    assert (await refusal(accounts, token)).reason is Reason.VERIFICATION_TOKEN_INVALID


async def test_tokens_that_are_none(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    await accounts.request_password_reset("mika@example.com", HOME, None)
    await accounts.background.finish()
    other_purpose = accounts.mailed_token()
    expired = await ask(accounts)
    accounts.clock.advance(timedelta(hours=24))

    for token in ("unknown", other_purpose, expired):
        error = await refusal(accounts, token)
        assert (error.reason, error.metadata) == (Reason.VERIFICATION_TOKEN_INVALID, {"field": "token"})
    assert accounts.state.users[user.id].user == user


async def test_an_inactive_account_is_not_changed(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    token = await ask(accounts)
    accounts.add_user(replace(user, active=False))

    assert (await refusal(accounts, token)).reason is Reason.VERIFICATION_TOKEN_INVALID


async def test_an_address_that_another_account_has_taken_meanwhile(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    token = await ask(accounts, "new@example.com")
    accounts.add_user(make_user(OTHER, email="NEW@example.com", username="other"))

    with pytest.raises(AlreadyExists) as refused:
        await accounts.verify_email(token)

    assert (refused.value.reason, refused.value.metadata) == (Reason.EMAIL_TAKEN, {"field": "email"})
    assert accounts.state.users[user.id].user == user
