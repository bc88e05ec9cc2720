"""Whether there is an account is told neither by how often passwords are compared nor by what the database is asked.

Statements and comparisons are counted, which is exact; `make bench-accounts` measures the times.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import bcrypt
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from server.accounts.domain.ladder import GUESSES
from server.accounts.domain.password import Password
from server.accounts.domain.user import User
from server.accounts.even_times import EvenTimes
from server.accounts.guard import Guard
from server.accounts.login import Login
from server.accounts.outbox import Outbox
from server.accounts.ports import Verdict
from server.accounts.request_password_reset import RequestPasswordReset
from server.accounts.session_tokens import SessionTokens
from server.accounts.turns import Turns
from server.adapters.passwords import Argon2Cost, Argon2Passwords
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.adapters.tally import MemoryTally
from server.adapters.tokens import JwtAccessTokens, ensure_keys
from server.errors import ApplicationError, Reason
from tests.support.accounts import SteppedTime, make_user, sign_in
from tests.support.kernel import CountingIds, FixedClock

PASSWORD = "correct horse"
NAMES = ("known", "inactive", "unverified", "foreign", "outdated")


@dataclass
class Work:
    """What was done for an answer."""

    statements: list[str] = field(default_factory=list)
    compared: int = 0
    counted: int = 0
    held: list[float] = field(default_factory=list)


class CountingPasswords(Argon2Passwords):
    """Counts comparisons."""

    def __init__(self) -> None:
        super().__init__(cost=Argon2Cost(memory_kib=64, passes=1))
        self.compared = 0

    async def verify(self, password: Password, stored: str | None) -> Verdict:
        self.compared += 1
        return await super().verify(password, stored)


class Door:
    """Signing in and asking for a reset, with real passwords and a real database."""

    def __init__(self, engine: AsyncEngine, unit_of_work: Callable[[], PostgresUnitOfWork], folder: Path) -> None:
        self._engine = engine
        self.unit_of_work = unit_of_work
        self.passwords, self.tally, self.steady = CountingPasswords(), MemoryTally(FixedClock()), SteppedTime()
        clock, ids, guard = FixedClock(), CountingIds(), Guard(self.tally, b"secret")
        access = JwtAccessTokens(ensure_keys(folder, CountingIds()), issuer="kaiwa", audience="kaiwa")
        life = timedelta(minutes=15)
        tokens = SessionTokens(access, ids, secrets.token_bytes, access_life=life, refresh_life=life)
        even_times = EvenTimes(self.steady.now, self.steady.sleep)
        self.login = Login(unit_of_work, self.passwords, tokens, clock, guard, even_times, Turns(1))
        self.reset = RequestPasswordReset(unit_of_work, Outbox(ids, lambda: None), clock, guard)

    async def add(self, user: User, password_hash: str) -> None:
        async with self.unit_of_work() as uow:
            await uow.users.add(user, password_hash)
            await uow.commit()

    @contextmanager
    def watched(self) -> Iterator[Work]:
        """What is done until the block ends."""
        work, compared, slept = Work(), self.passwords.compared, len(self.steady.slept)

        def executed(connection: object, cursor: object, statement: str, *more: object) -> None:
            work.statements.append(statement)

        event.listen(self._engine.sync_engine, "before_cursor_execute", executed)
        try:
            yield work
        finally:
            event.remove(self._engine.sync_engine, "before_cursor_execute", executed)
            work.compared = self.passwords.compared - compared
            work.counted = self.tally.size
            work.held = self.steady.slept[slept:]


@pytest.fixture
async def door(
    engine: AsyncEngine, unit_of_work: Callable[[], PostgresUnitOfWork], tmp_path: Path
) -> AsyncIterator[Door]:
    door = Door(engine, unit_of_work, tmp_path)
    ours = await door.passwords.hash(Password(PASSWORD))
    cheaper = Argon2Passwords(cost=Argon2Cost(memory_kib=32, passes=1))
    hashes = {
        "foreign": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
        "outdated": await cheaper.hash(Password(PASSWORD)),
    }
    cheaper.close()
    for number, name in enumerate(NAMES):
        user = make_user(
            f"0198c0de-0000-7000-9000-0000000000{number:02x}",
            email=f"{name}@example.com",
            username=name,
            active=name != "inactive",
        )
        await door.add(user, hashes.get(name, ours))
    yield door
    door.passwords.close()


async def refused(door: Door, login: str) -> tuple[Work, Reason, str]:
    with door.watched() as work, pytest.raises(ApplicationError) as refusal:
        await door.login(sign_in(login, "wrong horse"))
    return work, refusal.value.reason, refusal.value.message


@pytest.mark.parametrize("suffix", ["@example.com", ""], ids=["by address", "by username"])
async def test_a_refused_sign_in_does_the_same_work_for_every_name(door: Door, suffix: str) -> None:
    # Once for what is done the first time only.
    await refused(door, f"nobody-at-all{suffix}")
    expected = await refused(door, f"unknown{suffix}")
    kept = door.tally.size

    work, reason, _ = expected
    assert reason is Reason.INVALID_CREDENTIALS
    assert (work.compared, len(work.statements), work.held) == (1, 1, [1.0])
    for number, name in enumerate(NAMES, 1):
        seen = await refused(door, f"{name}{suffix}")
        assert (seen[0].compared, seen[0].statements, seen[0].held) == (1, work.statements, [1.0]), name
        assert seen[0].counted == kept + number
        assert seen[1:] == expected[1:]


async def test_a_sign_in_in_a_pause_does_none_of_it(door: Door) -> None:
    for name in ("unknown@example.com", "known@example.com"):
        for _ in range(GUESSES.free):
            await refused(door, name)
        work, reason, _ = await refused(door, name)
        assert reason is Reason.RATE_LIMITED
        assert (work.compared, work.statements, work.held) == (0, [], [])


async def test_asking_for_a_reset_does_the_same_work_for_every_address(door: Door) -> None:
    async def asked(email: str) -> Work:
        with door.watched() as work:
            await door.reset(email, "192.0.2.1", None)
        return work

    await asked("nobody-at-all@example.com")
    unknown = await asked("unknown@example.com")
    assert len(unknown.statements) == 1
    for name in NAMES:
        known = await asked(f"{name}@example.com")
        assert (known.statements, known.compared, known.held) == (unknown.statements, 0, []), name
