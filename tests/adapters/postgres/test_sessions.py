"""What accounts ask of where sessions are stored, held against the fake and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.domain.secret import secret_digest
from server.accounts.domain.session import (
    EndReason,
    Family,
    RefreshToken,
    RefreshTokenId,
    Session,
    SessionAccess,
)
from server.accounts.ports import UnitOfWorkFactory
from server.accounts.refresh_tokens import RefreshTokens
from server.accounts.session_tokens import SessionTokens
from server.errors import ApplicationError, Reason
from server.kernel.identity import Role, SessionId
from server.kernel.paging import PageRequest
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
        digest=secret_digest(f"token {number}"),
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
            family = await uow.sessions.lock_family(secret_digest(pair.refresh_token))
            assert family is not None
            good.append(family.token.used_at is None)
    assert sorted(good) == [False] * 4 + [True]


def another(number: int, *, minutes: int = 0) -> Session:
    return replace(
        SESSION,
        id=SessionId(f"0198c0de-0000-7000-a000-00000000000{number}"),
        refreshed_at=NOON + timedelta(minutes=minutes),
        expires_at=NOON + timedelta(minutes=minutes) + REFRESH_LIFE,
    )


def token_of(session: Session, number: int) -> RefreshToken:
    return replace(token(number), session_id=session.id)


async def test_live_sessions_are_listed_the_last_refreshed_first(stored: UnitOfWorkFactory) -> None:
    sessions = [SESSION, another(2, minutes=5), another(3, minutes=5), another(4, minutes=9)]
    async with stored() as uow:
        for number, session in enumerate(sessions[1:], start=4):
            await uow.sessions.add(session, token_of(session, number))
        await uow.sessions.end(sessions[3].id, EndReason.REVOKED, NOON)
        await uow.commit()

    async with stored() as uow:
        first = await uow.sessions.list_live(USER.id, NOON, PageRequest(2))
        second = await uow.sessions.list_live(USER.id, NOON, PageRequest(2, first.next))
        late = await uow.sessions.list_live(USER.id, SESSION.expires_at, PageRequest())
    assert (*first.items, *second.items) == (sessions[2], sessions[1], sessions[0])
    assert second.next is None
    assert late.items == (sessions[2], sessions[1])


async def test_all_live_sessions_of_one_user_end_but_one(stored: UnitOfWorkFactory) -> None:
    second, third = another(2), another(3)
    async with stored() as uow:
        for number, session in enumerate((second, third), start=4):
            await uow.sessions.add(session, token_of(session, number))
        await uow.sessions.end(third.id, EndReason.LOGOUT, NOON)
        ended = await uow.sessions.end_all(USER.id, EndReason.PASSWORD_CHANGED, NOON, keep=second.id)
        await uow.commit()

    assert ended == 1
    async with stored() as uow:
        assert (await uow.sessions.list_live(USER.id, NOON, PageRequest())).items == (second,)
        family = await uow.sessions.lock_family(token(1).digest)
        assert family is not None
        assert (family.session.ended_at, family.session.end_reason) == (NOON, EndReason.PASSWORD_CHANGED)
        assert await uow.sessions.end_all(USER.id, EndReason.PASSWORD_RESET, NOON) == 1


async def test_whose_session_it_is(stored: UnitOfWorkFactory) -> None:
    async with stored() as uow:
        assert await uow.sessions.owner(SESSION.id) == USER.id
        assert await uow.sessions.owner(another(9).id) is None
