from __future__ import annotations

import pytest

from server.accounts.domain.session import EndReason
from server.errors import ApplicationError, NotFound, Reason
from server.kernel.identity import SessionId
from tests.support.accounts import Accounts, make_user, sign_in

OTHER = "0198c0de-0000-7000-9000-000000000002"


async def test_ends_one_session_with_its_tokens_and_no_other(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    caller, lost = await accounts.caller(), (await accounts.login(sign_in())).tokens

    await accounts.revoke_session(caller, lost.session_id)

    with pytest.raises(ApplicationError) as access:
        await accounts.authenticate(lost.access_token)
    with pytest.raises(ApplicationError) as refresh:
        await accounts.refresh_tokens(lost.refresh_token, None, "")
    assert access.value.reason is Reason.SESSION_REVOKED
    assert refresh.value.reason is Reason.REFRESH_TOKEN_INVALID
    assert accounts.state.sessions[lost.session_id].end_reason is EndReason.REVOKED
    assert accounts.state.sessions[caller.session_id].ended_at is None


async def test_ends_the_current_one_when_it_is_named_and_an_ended_one_again(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    caller = await accounts.caller()

    await accounts.revoke_session(caller, caller.session_id)
    await accounts.revoke_session(caller, caller.session_id)

    assert accounts.state.sessions[caller.session_id].ended_at is not None


async def test_anothers_session_is_refused_as_one_that_does_not_exist(accounts: Accounts) -> None:
    accounts.add_user(make_user())
    accounts.add_user(make_user(OTHER, email="other@example.com", username="other"))
    caller, other = await accounts.caller(), await accounts.caller("other")

    refusals = []
    for session_id in (other.session_id, SessionId("0198c0de-0000-7000-9000-0000000000ff")):
        with pytest.raises(NotFound) as refused:
            await accounts.revoke_session(caller, session_id)
        assert refused.value.metadata == {"session_id": session_id}
        refusals.append((refused.value.reason, refused.value.message))

    assert refusals == [(Reason.SESSION_NOT_FOUND, refusals[0][1])] * 2
    assert accounts.state.sessions[other.session_id].ended_at is None
