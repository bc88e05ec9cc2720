from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.domain.password import Password
from server.accounts.domain.session import EndReason
from server.accounts.request_email_verification import NewAddress
from server.errors import ApplicationError, InvalidInput, Reason
from tests.support.accounts import HOME, Accounts, make_user, sign_in

NEW = Password("battery staple")


async def ask(accounts: Accounts) -> str:
    """The token that is mailed."""
    await accounts.request_password_reset("mika@example.com", HOME, None)
    await accounts.background.finish()
    return accounts.mailed_token()


async def refusal(accounts: Accounts, token: str, password: Password = NEW) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        await accounts.reset_password(token, password, HOME)
    return refused.value


async def test_sets_the_password_verifies_the_address_and_ends_all_sessions(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    tokens = (await accounts.login(sign_in())).tokens
    token = await ask(accounts)
    accounts.clock.advance(timedelta(minutes=5))

    await accounts.reset_password(token, NEW, HOME)

    assert accounts.state.users[user.id].user == replace(user, verified=True, updated_at=accounts.clock.now())
    assert accounts.state.sessions[tokens.session_id].end_reason is EndReason.PASSWORD_RESET
    for dead in (accounts.authenticate(tokens.access_token), accounts.refresh_tokens(tokens.refresh_token, None, "")):
        with pytest.raises(ApplicationError):
            await dead
    await accounts.login(sign_in(password="battery staple"))
    with pytest.raises(ApplicationError) as refused:
        await accounts.login(sign_in())
    assert refused.value.reason is Reason.INVALID_CREDENTIALS


async def test_a_token_works_once(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    token = await ask(accounts)
    await accounts.reset_password(token, NEW, HOME)

    error = await refusal(accounts, token, Password("somebody else's"))

    assert (error.reason, error.metadata) == (Reason.RESET_TOKEN_INVALID, {"field": "token"})
    assert accounts.state.users[user.id].password_hash == "new$battery staple"


async def test_tokens_that_are_none(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.request_email_verification(await accounts.caller(), None, HOME, None)
    await accounts.background.finish()
    other_purpose = accounts.mailed_token()
    older = await ask(accounts)
    expired = await ask(accounts)
    assert (await refusal(accounts, older)).reason is Reason.RESET_TOKEN_INVALID
    accounts.clock.advance(timedelta(hours=1))

    for token in ("unknown", other_purpose, expired):
        assert (await refusal(accounts, token)).reason is Reason.RESET_TOKEN_INVALID


async def test_an_inactive_account_is_not_changed(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    token = await ask(accounts)
    accounts.add_user(replace(user, active=False))

    assert (await refusal(accounts, token)).reason is Reason.RESET_TOKEN_INVALID


async def test_after_a_password_that_is_guessed_first_the_token_is_still_good(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    token = await ask(accounts)

    error = await refusal(accounts, token, Password("password1"))

    assert (error.reason, error.metadata) == (Reason.PASSWORD_TOO_COMMON, {"field": "new_password"})
    await accounts.reset_password(token, NEW, HOME)


async def test_the_account_is_moved_no_more_by_who_knew_the_old_password(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    thief = NewAddress("thief@example.com", Password("correct horse"))
    await accounts.request_email_verification(await accounts.caller(), thief, HOME, None)
    await accounts.background.finish()
    theirs = accounts.mailed_token()
    await accounts.reset_password(await ask(accounts), NEW, HOME)

    with pytest.raises(InvalidInput) as refused:
        await accounts.verify_email(theirs)

    assert refused.value.reason is Reason.VERIFICATION_TOKEN_INVALID
