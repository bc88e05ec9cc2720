"""Accounts in memory: the fakes that use cases are tested with."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from server.accounts.authenticate import Authenticate
from server.accounts.create_account import CreateAccount
from server.accounts.domain.password import Password
from server.accounts.domain.session import (
    EndReason,
    Family,
    RefreshToken,
    RefreshTokenId,
    Session,
    SessionAccess,
)
from server.accounts.domain.user import Credentials, User, email_taken, username_taken
from server.accounts.get_me import GetMe
from server.accounts.get_public_config import GetPublicConfig
from server.accounts.login import Login, SignIn
from server.accounts.logout import Logout
from server.accounts.ports import AccessClaims, Verdict
from server.accounts.refresh_tokens import RefreshTokens
from server.accounts.register import Register, Registration, Repeat
from server.accounts.servicer import AccountsUseCases
from server.accounts.session_tokens import Device, SessionTokens
from server.errors import AlreadyExists, Reason, Unauthenticated
from server.kernel.identity import Role, SessionId, UserId
from tests.support.kernel import NOON, CountingIds, CountingSecrets, FixedClock

ACCESS_LIFE = timedelta(minutes=15)
REFRESH_LIFE = timedelta(days=30)
TIME_ZONES = frozenset({"UTC", "Europe/Berlin", "Asia/Tokyo"})


def make_user(
    user_id: str = "0198c0de-0000-7000-9000-000000000001",
    *,
    email: str = "mika@example.com",
    username: str = "mika",
    role: Role = Role.STUDENT,
    active: bool = True,
) -> User:
    """A user with the usual settings."""
    return User(
        id=UserId(user_id),
        email=email,
        username=username,
        role=role,
        native_language="en",
        target_language="ja",
        level=1,
        time_zone="UTC",
        day_turn_hour=4,
        voice_retention_days=0,
        active=active,
        verified=False,
        created_at=NOON,
        updated_at=NOON,
    )


@dataclass
class State:
    """What the database in memory holds."""

    users: dict[UserId, Credentials] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    tokens: dict[RefreshTokenId, RefreshToken] = field(default_factory=dict)
    config: dict[str, tuple[str, bool]] = field(default_factory=dict)
    answers: dict[tuple[str, str, str], tuple[bytes, bytes | None]] = field(default_factory=dict)


class FakeDatabase:
    """A database in memory whose transactions come one after another."""

    def __init__(self) -> None:
        self.state = State()
        self.turn = asyncio.Lock()

    def __call__(self) -> FakeUnitOfWork:
        return FakeUnitOfWork(self)


class FakeUnitOfWork:
    """A transaction on a `FakeDatabase`."""

    def __init__(self, database: FakeDatabase) -> None:
        self._database = database

    async def __aenter__(self) -> Self:
        await self._database.turn.acquire()
        self._state = copy.copy(self._database.state)
        for name, table in vars(self._state).items():
            setattr(self._state, name, dict(table))
        self.users = FakeUsers(self._state)
        self.sessions = FakeSessions(self._state)
        self.config = FakeConfig(self._state)
        self.idempotency = FakeIdempotency(self._state)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.turn.release()

    async def commit(self) -> None:
        self._database.state = self._state


class FakeUsers:
    """Accounts in memory."""

    def __init__(self, state: State) -> None:
        self._rows = state.users

    async def add(self, user: User, password_hash: str) -> None:
        self._check_names(user)
        self._rows[user.id] = Credentials(user, password_hash)

    async def get(self, user_id: UserId) -> User | None:
        found = self._rows.get(user_id)
        return found.user if found else None

    async def find_by_email(self, key: str) -> Credentials | None:
        return next((row for row in self._rows.values() if row.user.email.lower() == key), None)

    async def find_by_username(self, key: str) -> Credentials | None:
        return next((row for row in self._rows.values() if row.user.username.lower() == key), None)

    async def lock(self, user_id: UserId) -> Credentials | None:
        return self._rows.get(user_id)

    async def save(self, user: User) -> None:
        self._check_names(user)
        if user.id in self._rows:
            self._rows[user.id] = replace(self._rows[user.id], user=user)

    async def set_password_hash(self, user_id: UserId, password_hash: str) -> None:
        if user_id in self._rows:
            self._rows[user_id] = replace(self._rows[user_id], password_hash=password_hash)

    def _check_names(self, user: User) -> None:
        others = [row.user for row in self._rows.values() if row.user.id != user.id]
        if any(other.email.lower() == user.email.lower() for other in others):
            raise email_taken()
        if any(other.username.lower() == user.username.lower() for other in others):
            raise username_taken()


class FakeSessions:
    """Sessions in memory."""

    def __init__(self, state: State) -> None:
        self._users = state.users
        self._rows = state.sessions
        self._tokens = state.tokens

    async def add(self, session: Session, token: RefreshToken) -> None:
        self._rows[session.id] = session
        self._tokens[token.id] = token

    async def access(self, session_id: SessionId, now: datetime) -> SessionAccess | None:
        if (session := self._rows.get(session_id)) is None:
            return None
        user = self._users[session.user_id].user
        return SessionAccess(user.id, user.role, user.active, session.live(now))

    async def lock_family(self, digest: bytes) -> Family | None:
        token = next((row for row in self._tokens.values() if row.digest == digest), None)
        if token is None:
            return None
        session = self._rows[token.session_id]
        successor = None if token.replaced_by is None else self._tokens[token.replaced_by]
        return Family(session, self._users[session.user_id].user.active, token, successor)

    async def rotate(self, session: Session, fresh: RefreshToken, *used: RefreshToken) -> None:
        self._rows[session.id] = session
        for token in (fresh, *used):
            self._tokens[token.id] = token

    async def end(self, session_id: SessionId, reason: EndReason, now: datetime) -> None:
        session = self._rows.get(session_id)
        if session is not None and session.ended_at is None:
            self._rows[session_id] = replace(session, ended_at=now, end_reason=reason)


class FakeConfig:
    """A configuration table in memory."""

    def __init__(self, state: State) -> None:
        self._rows = state.config

    async def public_values(self) -> Mapping[str, str]:
        return {key: value for key, (value, public) in self._rows.items() if public}


class FakeIdempotency:
    """First answers in memory."""

    def __init__(self, state: State) -> None:
        self._rows = state.answers

    async def claim(
        self, user_id: UserId, method: str, request_id: str, body_hash: bytes, now: datetime
    ) -> bytes | None:
        first_hash, answer = self._rows.setdefault((user_id, method, request_id), (body_hash, None))
        if first_hash != body_hash:
            raise AlreadyExists(Reason.REQUEST_ID_REUSED, "reused", metadata={"request_id": request_id})
        return answer

    async def store(self, user_id: UserId, method: str, request_id: str, response: bytes) -> None:
        body_hash, _ = self._rows[user_id, method, request_id]
        self._rows[user_id, method, request_id] = (body_hash, response)


class FakeHasher:
    """Hashes in the clear. A stored `old$...` matches and is outdated. Remembers what it compared with."""

    def __init__(self) -> None:
        self.compared: list[str | None] = []

    async def hash(self, password: Password) -> str:
        return f"new${password.normalized}"

    async def verify(self, password: Password, stored: str | None) -> Verdict:
        self.compared.append(stored)
        if stored is None:
            return Verdict(matches=False)
        kind, _, text = stored.partition("$")
        matches = text == password.normalized
        return Verdict(matches, outdated=matches and kind == "old")


class FakeAccessTokens:
    """Access tokens that are looked up instead of signed."""

    def __init__(self) -> None:
        self._claims: dict[str, AccessClaims] = {}

    def issue(self, claims: AccessClaims, now: datetime) -> str:
        token = f"access-{len(self._claims) + 1}"
        self._claims[token] = claims
        return token

    def verify(self, token: str) -> AccessClaims:
        if token not in self._claims:
            raise Unauthenticated(Reason.TOKEN_INVALID, "invalid")
        return self._claims[token]


class Accounts:
    """All use cases of accounts on fakes."""

    def __init__(self) -> None:
        self.database = FakeDatabase()
        self.clock = FixedClock()
        self.ids = CountingIds()
        self.hasher = FakeHasher()
        self.access_tokens = FakeAccessTokens()
        self.tokens = SessionTokens(
            self.access_tokens, self.ids, CountingSecrets(), access_life=ACCESS_LIFE, refresh_life=REFRESH_LIFE
        )
        self.register = Register(self.database, self.hasher, self.tokens, self.clock, self.ids, TIME_ZONES)
        self.login = Login(self.database, self.hasher, self.tokens, self.clock)
        self.refresh_tokens = RefreshTokens(self.database, self.tokens, self.clock)
        self.logout = Logout(self.database, self.clock)
        self.get_me = GetMe(self.database)
        self.get_public_config = GetPublicConfig(self.database)
        self.authenticate = Authenticate(self.database, self.access_tokens, self.clock)
        self.create_account = CreateAccount(self.database, self.hasher, self.clock, self.ids)

    @property
    def use_cases(self) -> AccountsUseCases:
        """What AccountsService answers with."""
        return AccountsUseCases(
            self.register, self.login, self.refresh_tokens, self.logout, self.get_me, self.get_public_config
        )

    @property
    def state(self) -> State:
        """What is committed."""
        return self.database.state

    def add_user(self, user: User, password_hash: str = "new$correct horse") -> User:
        """Puts an account into the database."""
        self.state.users[user.id] = Credentials(user, password_hash)
        return user


def registration(
    *,
    email: str = "mika@example.com",
    username: str = "mika",
    password: str = "correct horse",
    time_zone: str = "UTC",
    repeat: Repeat | None = None,
) -> Registration:
    """A request for an account with the usual settings."""
    return Registration(
        email=email,
        username=username,
        password=Password(password),
        native_language="en",
        target_language="ja",
        level=1,
        time_zone=time_zone,
        day_turn_hour=4,
        device=Device("Mika's phone", "kaiwa-test/1"),
        repeat=repeat,
    )


def sign_in(login: str = "mika@example.com", password: str = "correct horse") -> SignIn:
    """A request to sign in."""
    return SignIn(login, Password(password), Device("Mika's phone", "kaiwa-test/1"))
