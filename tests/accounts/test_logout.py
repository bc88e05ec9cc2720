from __future__ import annotations

import pytest

from server.accounts.domain.session import EndReason
from server.errors import ApplicationError, Reason
from tests.support.accounts import Accounts, make_user, sign_in

OTHER = "0198c0de-0000-7000-9000-000000000002"


async def test_ends_the_session_with_both_its_tokens(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    tokens = (await accounts.login(sign_in())).tokens

    await accounts.logout(await accounts.authenticate(tokens.access_token), None)

    with pytest.raises(ApplicationError) as access:
        await accounts.authenticate(tokens.access_token)
    with pytest.raises(ApplicationError) as refresh:
        await accounts.refresh_tokens(tokens.refresh_token, None, "")
    assert access.value.reason is Reason.SESSION_REVOKED
    assert refresh.value.reason is Reason.REFRESH_TOKEN_INVALID
    assert accounts.state.sessions[tokens.session_id].end_reason is EndReason.LOGOUT


async def test_leaves_other_sessions_alone(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    here, there = (await accounts.login(sign_in())).tokens, (await accounts.login(sign_in())).tokens

    await accounts.logout(await accounts.authenticate(here.access_token), None)

    await accounts.authenticate(there.access_token)


async def test_ends_the_callers_session_of_a_named_refresh_token_too(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    here, there = (await accounts.login(sign_in())).tokens, (await accounts.login(sign_in())).tokens

    await accounts.logout(await accounts.authenticate(here.access_token), there.refresh_token)

    assert all(session.ended_at for session in accounts.state.sessions.values())


async def test_ignores_refresh_tokens_that_are_not_the_callers_good_ones(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    accounts.add_user(make_user(OTHER, email="other@example.com", username="other"))
    others = (await accounts.login(sign_in("other"))).tokens
    elsewhere = (await accounts.login(sign_in())).tokens
    await accounts.refresh_tokens(elsewhere.refresh_token, None, "")

    for named in (others.refresh_token, elsewhere.refresh_token, "unknown"):
        here = (await accounts.login(sign_in())).tokens
        await accounts.logout(await accounts.authenticate(here.access_token), named)

    await accounts.authenticate(others.access_token)
    await accounts.authenticate(elsewhere.access_token)
