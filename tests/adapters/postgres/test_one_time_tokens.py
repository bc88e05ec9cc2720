"""What accounts ask of where mailed tokens are stored, held against the fake and PostgreSQL."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from server.accounts.domain.one_time_token import OneTimeToken, OneTimeTokenId, Purpose
from server.accounts.domain.password import Password
from server.accounts.domain.secret import secret_digest
from server.accounts.guard import Guard
from server.accounts.ports import UnitOfWorkFactory
from server.accounts.reset_password import ResetPassword
from server.adapters.tally import MemoryTally
from server.errors import ApplicationError, Reason
from tests.support.accounts import HOME, FakeDatabase, FakeHasher, make_user
from tests.support.kernel import NOON, FixedClock

USER = make_user()
TOKEN = OneTimeToken(
    id=OneTimeTokenId("0198c0de-0000-7000-a000-000000000001"),
    user_id=USER.id,
    purpose=Purpose.RESET_PASSWORD,
    digest=secret_digest("token 1"),
    email=USER.email,
    issued_at=NOON,
    expires_at=NOON + timedelta(hours=1),
)
OTHER = replace(
    TOKEN,
    id=OneTimeTokenId("0198c0de-0000-7000-a000-000000000002"),
    purpose=Purpose.VERIFY_EMAIL,
    digest=secret_digest("token 2"),
)


@pytest.fixture(params=["memory", "postgres"])
def transaction(request: pytest.FixtureRequest) -> UnitOfWorkFactory:
    if request.param == "memory":
        return FakeDatabase()
    postgres: UnitOfWorkFactory = request.getfixturevalue("unit_of_work")
    return postgres


@pytest.fixture
async def stored(transaction: UnitOfWorkFactory) -> UnitOfWorkFactory:
    """A database that has `USER` with both tokens."""
    async with transaction() as uow:
        await uow.users.add(USER, "new$correct horse")
        await uow.one_time_tokens.add(TOKEN)
        await uow.one_time_tokens.add(OTHER)
        await uow.commit()
    return transaction


async def test_a_token_is_found_by_its_digest_for_its_purpose(stored: UnitOfWorkFactory) -> None:
    async with stored() as uow:
        assert await uow.one_time_tokens.find(TOKEN.digest, Purpose.RESET_PASSWORD) == TOKEN
        assert await uow.one_time_tokens.find(TOKEN.digest, Purpose.VERIFY_EMAIL) is None
        assert await uow.one_time_tokens.find(secret_digest("unknown"), Purpose.RESET_PASSWORD) is None


async def test_a_used_token_is_kept_and_an_unused_one_voided(stored: UnitOfWorkFactory) -> None:
    used = replace(OTHER, used_at=NOON)
    async with stored() as uow:
        await uow.one_time_tokens.use(OTHER.id, NOON)
        for purpose in Purpose:
            await uow.one_time_tokens.void(USER.id, purpose)
        await uow.commit()

    async with stored() as uow:
        assert await uow.one_time_tokens.find(OTHER.digest, Purpose.VERIFY_EMAIL) == used
        assert await uow.one_time_tokens.find(TOKEN.digest, Purpose.RESET_PASSWORD) is None


async def test_of_many_resets_at_once_with_one_token_one_succeeds(stored: UnitOfWorkFactory) -> None:
    reset = ResetPassword(stored, FakeHasher(), FixedClock(), Guard(MemoryTally(FixedClock()), b""))

    answers = await asyncio.gather(
        *(reset("token 1", Password(f"password number {number}"), HOME) for number in range(5)), return_exceptions=True
    )

    reasons = [answer.reason for answer in answers if isinstance(answer, ApplicationError)]
    assert reasons == [Reason.RESET_TOKEN_INVALID] * 4
