"""What accounts ask of where sessions are stored, held against the fake and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.domain.session import (
    EndReason,
    Family,
    RefreshToken,
    RefreshTokenId,
    Session,
    SessionAccess,
    refresh_token_digest,
)
from server.accounts.ports import UnitOfWorkFactory
from server.accounts.refresh_tokens import RefreshTokens
from server.accounts.session_tokens import SessionTokens
from server.errors import ApplicationError, Reason
from server.kernel.identity import Role, SessionId
from tests.support.accounts import ACCESS_LIFE, REFRESH_LIFE, FakeAccessTokens, FakeDatabase, make_user
from tests.support.kernel import NOON, CountingIds, CountingSecrets, FixedClock

USER = make_user(role=Role.TEACHER)
REQUEST = "7d0c7b5e-0000-4000-8000-000000000001"
SESSION = Session(
    id=SessionId("0198c0de-0000-7000-a000-000000000001"),
    user_id=USER.id,
    device_name="Mika's phone",
    user_agent="kaiwa-test/1",
    created_at=NOON,
    refreshed_at=NOON,
    expires_at=NOON + REFRESH_LIFE,
)


def token(number: int) -> RefreshToken:
    return RefreshToken(
        id=RefreshTokenId(f"0198c0de-0000-7000-b000-00000000000{number}"),
        session_id=SESSION.id,
        digest=refresh_token_digest(f"token {number}"),
        issued_at=NOON,
        expires_at=NOON + REFRESH_LIFE,
    )


@pytest.fixture(params=["memory", "postgres"])
def transaction(request: pytest.FixtureRequest) -> UnitOfWorkFactory:
    if request.param == "memory":
        return FakeDatabase()
    postgres: UnitOfWorkFactory = request.getfixturevalue("unit_of_work")
    return postgres


@pytest.fixture
async def stored(transaction: UnitOfWorkFactory) -> UnitOfWorkFactory:
    """A database that has `USER` with `SESSION` and its first token."""
    async with transaction() as uow:
        await uow.users.add(USER, "hash")
        await uow.sessions.add(SESSION, token(1))
        await uow.commit()
    return transaction


async def test_a_family_comes_back_as_it_was_stored(stored: UnitOfWorkFactory) -> None:
    async with stored() as uow:
        assert await uow.sessions.lock_family(token(1).digest) == Family(SESSION, True, token(1))
        assert await uow.sessions.lock_family(token(2).digest) is None


async def test_access_tells_of_user_and_session_now(stored: UnitOfWorkFactory) -> None:
    async with stored() as uow:
        assert await uow.sessions.access(SESSION.id, NOON) == SessionAccess(USER.id, Role.TEACHER, True, True)
        late = await uow.sessions.access(SESSION.id, SESSION.expires_at)
        assert late == SessionAccess(USER.id, Role.TEACHER, True, False)
        assert await uow.sessions.access(SessionId("0198c0de-0000-7000-a000-000000000002"), NOON) is None

        await uow.users.save(replace(USER, active=False, role=Role.STUDENT))
        assert await uow.sessions.access(SESSION.id, NOON) == SessionAccess(USER.id, Role.STUDENT, False, True)
        family = await uow.sessions.lock_family(token(1).digest)
        assert family is not None
        assert not family.user_active


async def test_a_rotation_is_stored_with_the_retry_of_it(stored: UnitOfWorkFactory) -> None:
    later = NOON + timedelta(hours=1)
    session = replace(SESSION, user_agent="kaiwa-test/2", refreshed_at=later, expires_at=later + REFRESH_LIFE)
    first = replace(token(1), used_at=later, used_request_id=REQUEST, replaced_by=token(2).id)
    async with stored() as uow:
        await uow.sessions.rotate(session, token(2), first)
        await uow.commit()
    async with stored() as uow:
        assert await uow.sessions.lock_family(token(1).digest) == Family(session, True, first, token(2))
        assert await uow.sessions.lock_family(token(2).digest) == Family(session, True, token(2))

    retried, lost = replace(first, replaced_by=token(3).id), replace(token(2), used_at=later, replaced_by=token(3).id)
    async with stored() as uow:
        await uow.sessions.rotate(session, token(3), retried, lost)
        await uow.commit()
    async with stored() as uow:
        assert await uow.sessions.lock_family(token(1).digest) == Family(session, True, retried, token(3))
        assert await uow.sessions.lock_family(token(2).digest) == Family(session, True, lost, token(3))


async def test_a_session_ends_once(stored: UnitOfWorkFactory) -> None:
    async with stored() as uow:
        await uow.sessions.end(SESSION.id, EndReason.LOGOUT, NOON)
        await uow.sessions.end(SESSION.id, EndReason.TOKEN_REUSED, NOON + timedelta(hours=1))
        await uow.commit()

    async with stored() as uow:
        ended = replace(SESSION, ended_at=NOON, end_reason=EndReason.LOGOUT)
        assert await uow.sessions.lock_family(token(1).digest) == Family(ended, True, token(1))
        access = await uow.sessions.access(SESSION.id, NOON)
        assert access is not None
        assert not access.session_live


async def test_of_many_refreshes_at_once_with_one_token_one_succeeds(stored: UnitOfWorkFactory) -> None:
    tokens = SessionTokens(
        FakeAccessTokens(), CountingIds(), CountingSecrets(), access_life=ACCESS_LIFE, refresh_life=REFRESH_LIFE
    )
    refresh = RefreshTokens(stored, tokens, FixedClock())

    answers = await asyncio.gather(*(refresh("token 1", None, "") for _ in range(5)), return_exceptions=True)

    reasons = [answer.reason for answer in answers if isinstance(answer, ApplicationError)]
    assert sorted(reasons) == [Reason.REFRESH_TOKEN_INVALID] * 3 + [Reason.REFRESH_TOKEN_REUSED]


async def test_of_many_retries_at_once_all_get_tokens_and_one_is_good(stored: UnitOfWorkFactory) -> None:
    tokens = SessionTokens(
        FakeAccessTokens(), CountingIds(), CountingSecrets(), access_life=ACCESS_LIFE, refresh_life=REFRESH_LIFE
    )
    refresh = RefreshTokens(stored, tokens, FixedClock())

    pairs = await asyncio.gather(*(refresh("token 1", REQUEST, "") for _ in range(5)))

    good = []
    async with stored() as uow:
        for pair in pairs:
            family = await uow.sessions.lock_family(refresh_token_digest(pair.refresh_token))
            assert family is not None
            good.append(family.token.used_at is None)
    assert sorted(good) == [False] * 4 + [True]
