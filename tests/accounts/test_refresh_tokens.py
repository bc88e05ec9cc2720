from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.domain.secret import secret_digest
from server.accounts.domain.session import EndReason, TokenPair
from server.errors import ApplicationError, Reason, Unauthenticated
from tests.support.accounts import ACCESS_LIFE, REFRESH_LIFE, Accounts, make_user, sign_in
from tests.support.kernel import NOON

REQUEST, OTHER_REQUEST = "7d0c7b5e-0000-4000-8000-000000000001", "7d0c7b5e-0000-4000-8000-000000000002"


async def begin(accounts: Accounts) -> TokenPair:
    accounts.add_user(make_user())
    return (await accounts.login(sign_in())).tokens


async def refused(accounts: Accounts, token: str, request_id: str | None = None) -> ApplicationError:
    with pytest.raises(Unauthenticated) as error:
        await accounts.refresh_tokens(token, request_id, "kaiwa-test/2")
    return error.value


async def test_a_good_token_is_exchanged_for_a_new_pair_of_the_same_session(accounts: Accounts) -> None:
    first = await begin(accounts)
    accounts.clock.advance(timedelta(hours=1))

    second = await accounts.refresh_tokens(first.refresh_token, None, "kaiwa-test/2")

    assert second.session_id == first.session_id
    assert second.refresh_token != first.refresh_token
    assert second.access_expires_at == NOON + timedelta(hours=1) + ACCESS_LIFE
    assert second.refresh_expires_at == NOON + timedelta(hours=1) + REFRESH_LIFE
    session = accounts.state.sessions[first.session_id]
    assert (session.user_agent, session.created_at, session.refreshed_at) == ("kaiwa-test/2", NOON, accounts.clock.at)
    await accounts.authenticate(second.access_token)


async def test_the_access_token_made_before_lives_on(accounts: Accounts) -> None:
    first = await begin(accounts)

    await accounts.refresh_tokens(first.refresh_token, None, "")

    await accounts.authenticate(first.access_token)


async def test_only_the_digest_of_a_token_is_kept(accounts: Accounts) -> None:
    first = await begin(accounts)

    (kept,) = accounts.state.tokens.values()
    assert kept.digest == secret_digest(first.refresh_token)
    assert len(kept.digest) == 32


async def test_a_token_that_comes_back_ends_the_session_for_both(accounts: Accounts) -> None:
    first = await begin(accounts)
    second = await accounts.refresh_tokens(first.refresh_token, None, "")

    error = await refused(accounts, first.refresh_token)

    assert error.reason is Reason.REFRESH_TOKEN_REUSED
    assert error.metadata == {"session_id": first.session_id}
    assert accounts.state.sessions[first.session_id].end_reason is EndReason.TOKEN_REUSED
    assert (await refused(accounts, second.refresh_token)).reason is Reason.REFRESH_TOKEN_INVALID
    with pytest.raises(ApplicationError) as dead:
        await accounts.authenticate(second.access_token)
    assert dead.value.reason is Reason.SESSION_REVOKED


async def test_a_retry_gets_new_tokens_in_place_of_those_that_got_lost(accounts: Accounts) -> None:
    first = await begin(accounts)
    lost = [await accounts.refresh_tokens(first.refresh_token, REQUEST, "") for _ in range(3)]

    found = await accounts.refresh_tokens(first.refresh_token, REQUEST, "")

    assert found.session_id == first.session_id
    assert found.refresh_token not in {pair.refresh_token for pair in lost}
    await accounts.refresh_tokens(found.refresh_token, OTHER_REQUEST, "")


async def test_a_lost_token_that_turns_up_after_a_retry_ends_the_session(accounts: Accounts) -> None:
    first = await begin(accounts)
    lost = await accounts.refresh_tokens(first.refresh_token, REQUEST, "")
    await accounts.refresh_tokens(first.refresh_token, REQUEST, "")

    assert (await refused(accounts, lost.refresh_token, REQUEST)).reason is Reason.REFRESH_TOKEN_REUSED


@pytest.mark.parametrize("request_id", [None, OTHER_REQUEST])
async def test_another_call_is_no_retry(accounts: Accounts, request_id: str | None) -> None:
    first = await begin(accounts)
    await accounts.refresh_tokens(first.refresh_token, REQUEST, "")

    assert (await refused(accounts, first.refresh_token, request_id)).reason is Reason.REFRESH_TOKEN_REUSED


async def test_a_retry_is_over_once_the_new_token_is_used(accounts: Accounts) -> None:
    first = await begin(accounts)
    second = await accounts.refresh_tokens(first.refresh_token, REQUEST, "")
    await accounts.refresh_tokens(second.refresh_token, OTHER_REQUEST, "")

    assert (await refused(accounts, first.refresh_token, REQUEST)).reason is Reason.REFRESH_TOKEN_REUSED


async def test_two_calls_at_once_with_one_request_id_both_get_tokens(accounts: Accounts) -> None:
    first = await begin(accounts)

    pairs = await asyncio.gather(*(accounts.refresh_tokens(first.refresh_token, REQUEST, "") for _ in range(2)))

    assert sum(row.used_at is None for row in accounts.state.tokens.values()) == 1
    await accounts.refresh_tokens(pairs[1].refresh_token, None, "")


async def test_refuses_a_token_that_nobody_was_given(accounts: Accounts) -> None:
    assert (await refused(accounts, "unknown")).reason is Reason.REFRESH_TOKEN_INVALID


async def test_refuses_an_expired_token_and_harms_nothing(accounts: Accounts) -> None:
    first = await begin(accounts)
    accounts.clock.advance(REFRESH_LIFE)

    assert (await refused(accounts, first.refresh_token)).reason is Reason.REFRESH_TOKEN_INVALID


async def test_a_used_token_that_has_expired_since_ends_the_session_all_the_same(accounts: Accounts) -> None:
    first = await begin(accounts)
    accounts.clock.advance(REFRESH_LIFE / 2)
    await accounts.refresh_tokens(first.refresh_token, None, "")
    accounts.clock.advance(REFRESH_LIFE / 2)

    assert (await refused(accounts, first.refresh_token)).reason is Reason.REFRESH_TOKEN_REUSED


async def test_a_retry_is_good_after_the_token_has_expired(accounts: Accounts) -> None:
    first = await begin(accounts)
    accounts.clock.advance(REFRESH_LIFE - timedelta(seconds=1))
    await accounts.refresh_tokens(first.refresh_token, REQUEST, "")
    accounts.clock.advance(timedelta(minutes=1))

    await accounts.refresh_tokens(first.refresh_token, REQUEST, "")


async def test_refuses_the_tokens_of_an_inactive_account(accounts: Accounts) -> None:
    first = await begin(accounts)
    accounts.add_user(replace(make_user(), active=False))

    assert (await refused(accounts, first.refresh_token)).reason is Reason.REFRESH_TOKEN_INVALID
