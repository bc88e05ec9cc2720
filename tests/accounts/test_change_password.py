from __future__ import annotations

import pytest

from server.accounts.domain.password import Password
from server.accounts.domain.session import EndReason
from server.accounts.request_email_verification import NewAddress
from server.errors import Aborted, ApplicationError, InvalidInput, Reason
from tests.support.accounts import HOME, Accounts, make_user, sign_in

OLD, NEW = Password("correct horse"), Password("battery staple")


async def test_sets_the_password_and_ends_all_other_sessions(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    here, there = (await accounts.login(sign_in())).tokens, (await accounts.login(sign_in())).tokens
    gone = await accounts.caller()
    await accounts.logout(gone, None)

    ended = await accounts.change_password(await accounts.authenticate(here.access_token), OLD, NEW)

    assert ended == 1
    await accounts.authenticate(here.access_token)
    await accounts.refresh_tokens(here.refresh_token, None, "")
    for dead in (accounts.authenticate(there.access_token), accounts.refresh_tokens(there.refresh_token, None, "")):
        with pytest.raises(ApplicationError):
            await dead
    assert accounts.state.sessions[there.session_id].end_reason is EndReason.PASSWORD_CHANGED
    await accounts.login(sign_in(password="battery staple"))
    with pytest.raises(ApplicationError) as refused:
        await accounts.login(sign_in())
    assert refused.value.reason is Reason.INVALID_CREDENTIALS


async def test_a_wrong_password_changes_nothing(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    caller = await accounts.caller()
    before = accounts.state.users[user.id]

    with pytest.raises(InvalidInput) as refused:
        await accounts.change_password(caller, Password("wrong horse"), NEW)

    assert refused.value.reason is Reason.PASSWORD_INCORRECT
    assert refused.value.metadata == {"field": "current_password"}
    assert accounts.state.users[user.id] == before


@pytest.mark.parametrize("common", ["password1", "Mika@Example.com"])
async def test_a_password_that_is_guessed_first_is_refused(accounts: Accounts, common: str) -> None:
    accounts.add_user(make_user())

    with pytest.raises(InvalidInput) as refused:
        await accounts.change_password(await accounts.caller(), OLD, Password(common))

    assert refused.value.reason is Reason.PASSWORD_TOO_COMMON
    assert refused.value.metadata == {"field": "new_password"}


async def test_a_reset_token_from_before_is_void(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    await accounts.request_password_reset("mika@example.com", HOME, None)
    await accounts.background.finish()

    await accounts.change_password(await accounts.caller(), OLD, NEW)

    with pytest.raises(InvalidInput) as refused:
        await accounts.reset_password(accounts.mailed_token(), Password("somebody else's"), HOME)
    assert refused.value.reason is Reason.RESET_TOKEN_INVALID


async def test_the_account_is_moved_no_more_by_who_knew_the_old_password(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    caller = await accounts.caller()
    await accounts.request_email_verification(caller, NewAddress("thief@example.com", OLD), HOME, None)
    await accounts.background.finish()
    await accounts.change_password(caller, OLD, NEW)

    with pytest.raises(InvalidInput) as refused:
        await accounts.verify_email(accounts.mailed_token())

    assert refused.value.reason is Reason.VERIFICATION_TOKEN_INVALID


async def test_a_link_to_the_present_address_stays_good(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    caller = await accounts.caller()
    await accounts.request_email_verification(caller, None, HOME, None)
    await accounts.background.finish()
    await accounts.change_password(caller, OLD, NEW)

    await accounts.verify_email(accounts.mailed_token())
    await accounts.background.finish()

    assert accounts.state.users[user.id].user.verified


async def test_who_is_signed_out_meanwhile_changes_nothing(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    caller = await accounts.caller()
    accounts.hasher.meanwhile = lambda: accounts.revoke_session(caller, caller.session_id)

    with pytest.raises(ApplicationError) as refused:
        await accounts.change_password(caller, OLD, NEW)

    assert refused.value.reason is Reason.SESSION_REVOKED
    assert accounts.state.users[user.id].password_hash == "new$correct horse"


async def test_of_two_changes_at_once_the_first_wins(accounts: Accounts) -> None:
    user = accounts.add_user(make_user())
    caller = await accounts.caller()
    first = Password("the first one")
    accounts.hasher.meanwhile = lambda: accounts.change_password(caller, OLD, first)

    with pytest.raises(Aborted) as refused:
        await accounts.change_password(caller, OLD, NEW)

    assert refused.value.reason is Reason.CONCURRENT_CHANGE
    assert accounts.state.users[user.id].password_hash == "new$the first one"
