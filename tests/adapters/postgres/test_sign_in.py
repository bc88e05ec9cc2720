"""Signing in with everything real below the edge: PostgreSQL, signed tokens, hashed passwords, the system's clock."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import bcrypt
import pytest

from server.accounts.authenticate import Authenticate
from server.accounts.create_account import CreateAccount, NewAccount
from server.accounts.domain.password import Password
from server.accounts.even_times import EvenTimes
from server.accounts.get_me import GetMe
from server.accounts.guard import Guard
from server.accounts.login import Login
from server.accounts.logout import Logout
from server.accounts.ports import UnitOfWorkFactory
from server.accounts.refresh_tokens import RefreshTokens
from server.accounts.register import Register
from server.accounts.repeat import Repeat
from server.accounts.session_tokens import SessionTokens
from server.accounts.turns import Turns
from server.adapters.clock import SystemClock, UuidV7Source, known_time_zones
from server.adapters.passwords import Argon2Cost, Argon2Passwords
from server.adapters.tally import MemoryTally
from server.adapters.tokens import JwtAccessTokens, ensure_keys
from server.errors import ApplicationError, Reason
from server.kernel.identity import Role
from tests.support.accounts import registration, sign_in

CLOCK, IDS = SystemClock(), UuidV7Source()
REPEAT = Repeat("7d0c7b5e-0000-4000-8000-000000000001", hashlib.sha256(b"body").digest())


@pytest.fixture
def passwords() -> Iterator[Argon2Passwords]:
    hasher = Argon2Passwords(cost=Argon2Cost(memory_kib=64, passes=1))
    yield hasher
    hasher.close()


class Real:
    def __init__(self, unit_of_work: UnitOfWorkFactory, passwords: Argon2Passwords, folder: Path) -> None:
        self.access_tokens = JwtAccessTokens(ensure_keys(folder, IDS), issuer="kaiwa", audience="kaiwa")
        tokens = SessionTokens(
            self.access_tokens,
            IDS,
            secrets.token_bytes,
            access_life=timedelta(minutes=15),
            refresh_life=timedelta(days=30),
        )
        guard = Guard(MemoryTally(CLOCK), b"")
        self.register = Register(unit_of_work, passwords, tokens, CLOCK, IDS, known_time_zones(), guard)
        self.login = Login(
            unit_of_work, passwords, tokens, CLOCK, guard, EvenTimes(time.monotonic, asyncio.sleep), Turns(2)
        )
        self.refresh = RefreshTokens(unit_of_work, tokens, CLOCK)
        self.logout = Logout(unit_of_work, CLOCK)
        self.get_me = GetMe(unit_of_work)
        self.authenticate = Authenticate(unit_of_work, self.access_tokens, CLOCK)
        self.create_account = CreateAccount(unit_of_work, passwords, CLOCK, IDS)


@pytest.fixture
def real(unit_of_work: UnitOfWorkFactory, passwords: Argon2Passwords, tmp_path: Path) -> Real:
    return Real(unit_of_work, passwords, tmp_path)


async def test_a_whole_session(real: Real) -> None:
    made = await real.register(registration(repeat=REPEAT))
    again = await real.register(registration(repeat=REPEAT))
    begun = await real.login(sign_in("MIKA"))
    renewed = await real.refresh(begun.tokens.refresh_token, REPEAT.request_id, "")
    caller = await real.authenticate(renewed.access_token)

    assert made.user == again.user == begun.user == await real.get_me(caller)
    await real.logout(caller, made.tokens.refresh_token)
    for token in (renewed.access_token, made.tokens.access_token):
        with pytest.raises(ApplicationError) as refused:
            await real.authenticate(token)
        assert refused.value.reason is Reason.SESSION_REVOKED
    await real.authenticate(again.tokens.access_token)


async def test_tries_at_once_make_one_account(real: Real) -> None:
    made = await asyncio.gather(*(real.register(registration(repeat=REPEAT)) for _ in range(4)))

    assert len({answer.user.id for answer in made}) == 1


async def test_names_can_not_be_taken_twice_at_once(real: Real) -> None:
    answers = await asyncio.gather(
        *(real.register(registration(email=f"{number}@example.com")) for number in range(4)), return_exceptions=True
    )

    reasons = [answer.reason for answer in answers if isinstance(answer, ApplicationError)]
    assert reasons == [Reason.USERNAME_TAKEN] * 3


async def test_bcrypt_hashes_sign_in_and_are_replaced_though_many_sign_in_at_once(
    real: Real, unit_of_work: UnitOfWorkFactory
) -> None:
    made = await real.register(registration())
    async with unit_of_work() as uow:
        old = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()
        await uow.users.set_password_hash(made.user.id, old)
        await uow.commit()

    await asyncio.gather(*(real.login(sign_in()) for _ in range(3)))

    async with unit_of_work() as uow:
        found = await uow.users.lock(made.user.id)
    assert found is not None
    assert found.password_hash.startswith("$argon2id$")


async def test_an_administrator_is_made_once(real: Real) -> None:
    account = NewAccount("root@example.com", "root", Password("correct horse"), Role.ADMIN)

    first = await real.create_account(account)
    again = await real.create_account(replace(account, role=Role.STUDENT))

    assert first == again
    assert (await real.authenticate((await real.login(sign_in("root"))).tokens.access_token)).role is Role.ADMIN
