from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.domain.session import EndReason
from server.accounts.ports import AccessClaims
from server.errors import ApplicationError, Reason
from server.kernel.identity import Role, SessionId
from tests.support.accounts import ACCESS_LIFE, REFRESH_LIFE, Accounts, make_user, sign_in
from tests.support.kernel import NOON


async def signed_in(accounts: Accounts) -> tuple[str, SessionId]:
    accounts.add_user(make_user())
    tokens = (await accounts.login(sign_in())).tokens
    return tokens.access_token, tokens.session_id


async def refused(accounts: Accounts, token: str) -> ApplicationError:
    with pytest.raises(ApplicationError) as error:
        await accounts.authenticate(token)
    return error.value


async def test_knows_the_caller(accounts: Accounts) -> None:
    token, session_id = await signed_in(accounts)

    caller = await accounts.authenticate(token)

    assert caller.user_id == make_user().id
    assert caller.session_id == session_id
    assert caller.role is Role.STUDENT
    assert caller.expires_at == NOON + ACCESS_LIFE


async def test_takes_the_role_that_the_database_has_now(accounts: Accounts) -> None:
    token, _ = await signed_in(accounts)
    accounts.add_user(replace(make_user(), role=Role.TEACHER))

    assert (await accounts.authenticate(token)).role is Role.TEACHER


async def test_refuses_what_is_no_token_of_ours(accounts: Accounts) -> None:
    assert (await refused(accounts, "forged")).reason is Reason.TOKEN_INVALID


async def test_says_when_a_token_expired(accounts: Accounts) -> None:
    token, _ = await signed_in(accounts)
    accounts.clock.advance(ACCESS_LIFE - timedelta(microseconds=1))
    await accounts.authenticate(token)
    accounts.clock.advance(timedelta(microseconds=1))

    error = await refused(accounts, token)

    assert error.reason is Reason.TOKEN_EXPIRED
    assert error.metadata == {"expired_at": "2026-11-23T12:15:00Z"}


async def test_refuses_a_session_that_has_ended_or_is_gone(accounts: Accounts) -> None:
    token, session_id = await signed_in(accounts)
    session = accounts.state.sessions[session_id]

    accounts.state.sessions[session_id] = replace(session, ended_at=NOON, end_reason=EndReason.LOGOUT)
    assert (await refused(accounts, token)).reason is Reason.SESSION_REVOKED
    del accounts.state.sessions[session_id]
    assert (await refused(accounts, token)).reason is Reason.SESSION_REVOKED


async def test_refuses_a_session_that_has_run_out(accounts: Accounts) -> None:
    _, session_id = await signed_in(accounts)
    accounts.clock.advance(REFRESH_LIFE)
    late = accounts.clock.now() + timedelta(minutes=1)
    token = accounts.access_tokens.issue(AccessClaims(make_user().id, session_id, late), NOON)

    assert (await refused(accounts, token)).reason is Reason.SESSION_REVOKED


async def test_refuses_a_token_that_names_someone_elses_session(accounts: Accounts) -> None:
    _, session_id = await signed_in(accounts)
    other = make_user("0198c0de-0000-7000-9000-000000000002", email="other@example.com", username="other")
    accounts.add_user(other)
    token = accounts.access_tokens.issue(AccessClaims(other.id, session_id, NOON + ACCESS_LIFE), NOON)

    assert (await refused(accounts, token)).reason is Reason.SESSION_REVOKED


async def test_refuses_an_inactive_account(accounts: Accounts) -> None:
    token, _ = await signed_in(accounts)
    accounts.add_user(make_user(active=False))

    assert (await refused(accounts, token)).reason is Reason.ACCOUNT_INACTIVE
