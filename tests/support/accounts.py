"""Accounts in memory: the fakes that use cases are tested with."""

from __future__ import annotations

import asyncio
import copy
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import BinaryIO, Self, TypeVar

from server.accounts.authenticate import Authenticate
from server.accounts.change_password import ChangePassword
from server.accounts.check_session import CheckSession
from server.accounts.create_account import CreateAccount
from server.accounts.delete_me import DeleteMe
from server.accounts.domain.administration import AuditEntry, ConfigEntry, UserFilter
from server.accounts.domain.export import Export, FoundExport
from server.accounts.domain.one_time_token import OneTimeToken, OneTimeTokenId, Purpose
from server.accounts.domain.outgoing_mail import MailKind, OutgoingMail, OutgoingMailId
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
from server.accounts.download_my_data import DownloadMyData
from server.accounts.even_times import EvenTimes
from server.accounts.export_my_data import ExportMyData
from server.accounts.get_me import GetMe
from server.accounts.get_public_config import GetPublicConfig
from server.accounts.guard import Guard
from server.accounts.list_config import ListConfig
from server.accounts.list_sessions import ListSessions
from server.accounts.list_users import ListUsers
from server.accounts.login import Login, SignIn
from server.accounts.logout import Logout
from server.accounts.mailed_tokens import MailedTokens
from server.accounts.mails import MailTexts
from server.accounts.outbox import Outbox
from server.accounts.ports import AccessClaims, Mail, Verdict
from server.accounts.refresh_tokens import RefreshTokens
from server.accounts.register import Register, Registration
from server.accounts.repeat import Repeat
from server.accounts.request_email_verification import RequestEmailVerification
from server.accounts.request_password_reset import RequestPasswordReset
from server.accounts.reset_password import ResetPassword
from server.accounts.revoke_session import RevokeSession
from server.accounts.send_mails import SendMails
from server.accounts.servicer import AccountsUseCases
from server.accounts.session_tokens import Device, SessionTokens
from server.accounts.set_config import SetConfig
from server.accounts.turns import Turns
from server.accounts.update_me import UpdateMe
from server.accounts.update_user import UpdateUser
from server.accounts.verify_email import VerifyEmail
from server.adapters.tally import MemoryTally
from server.errors import AlreadyExists, Reason, Unauthenticated
from server.kernel.identity import Caller, Role, SessionId, UserId
from server.kernel.paging import Page, PageRequest
from tests.support.kernel import NOON, CountingIds, CountingSecrets, FixedClock

T = TypeVar("T")

ACCESS_LIFE = timedelta(minutes=15)
REFRESH_LIFE = timedelta(days=30)
HOME = "192.0.2.1"
"""The network that learners call from unless said otherwise."""
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


@dataclass(frozen=True)
class FakeExport:
    """A job that exports, with what came of it."""

    user_id: UserId
    omit_audio: bool
    asked_at: datetime
    state: str = "queued"
    expires_at: datetime | None = None
    archive: Export | None = None


@dataclass
class State:
    """What the database in memory holds."""

    users: dict[UserId, Credentials] = field(default_factory=dict)
    sessions: dict[SessionId, Session] = field(default_factory=dict)
    tokens: dict[RefreshTokenId, RefreshToken] = field(default_factory=dict)
    mailed: dict[OneTimeTokenId, OneTimeToken] = field(default_factory=dict)
    outgoing: dict[OutgoingMailId, OutgoingMail] = field(default_factory=dict)
    audit: dict[str, AuditEntry] = field(default_factory=dict)
    config: dict[str, ConfigEntry] = field(default_factory=dict)
    exports: dict[str, FakeExport] = field(default_factory=dict)
    deletions: dict[str, UserId] = field(default_factory=dict)
    answers: dict[tuple[str, str, str], tuple[bytes, bytes | None]] = field(default_factory=dict)


class FakeDatabase:
    """A database in memory whose transactions come one after another."""

    def __init__(self) -> None:
        self.state = State()
        self.turn = asyncio.Lock()
        self.changed_days: list[tuple[UserId, tuple[str, int], tuple[str, int], datetime]] = []

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
        self.one_time_tokens = FakeOneTimeTokens(self._state)
        self.outgoing_mails = FakeOutgoingMails(self._state)
        self.audit = FakeAudit(self._state)
        self.config = FakeConfig(self._state)
        self.exports = FakeExports(self._state)
        self.idempotency = FakeIdempotency(self._state)
        self.study_days = FakeStudyDays(self._database.changed_days)
        return self

    @property
    def state(self) -> State:
        """What the transaction sees."""
        return self._state

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.turn.release()

    async def commit(self) -> None:
        self._database.state = self._state


class FakeStudyDays:
    """Keeps what it was told."""

    def __init__(self, told: list[tuple[UserId, tuple[str, int], tuple[str, int], datetime]]) -> None:
        self._told = told

    async def hold(self, user_id: UserId) -> None:
        return None

    async def changed(
        self, user_id: UserId, change_id: str, before: tuple[str, int], after: tuple[str, int], at: datetime
    ) -> None:
        self._told.append((user_id, before, after, at))


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

    async def lock_out(self, user_id: UserId) -> Credentials | None:
        return self._rows.get(user_id)

    async def delete(self, user_id: UserId) -> None:
        self._rows.pop(user_id, None)

    async def list(self, wanted: UserFilter, page: PageRequest) -> Page[User]:
        def is_wanted(user: User) -> bool:
            return (
                (wanted.text in user.email.lower() or wanted.text in user.username.lower())
                and wanted.role in {None, user.role}
                and wanted.active in {None, user.active}
                and wanted.verified in {None, user.verified}
            )

        users = [row.user for row in self._rows.values() if is_wanted(row.user)]
        users.sort(key=lambda user: (user.created_at, user.id), reverse=True)
        return cut(users, page, lambda user: (user.created_at.isoformat(), user.id))

    async def lock_active_admins(self) -> frozenset[UserId]:
        users = [row.user for row in self._rows.values()]
        return frozenset(user.id for user in users if user.may_sign_in and user.role is Role.ADMIN)

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
        return SessionAccess(user.id, user.role, user.active, session.live(now), user.deletion_job_id)

    async def lock_family(self, digest: bytes) -> Family | None:
        token = next((row for row in self._tokens.values() if row.digest == digest), None)
        if token is None:
            return None
        session = self._rows[token.session_id]
        successor = None if token.replaced_by is None else self._tokens[token.replaced_by]
        return Family(session, self._users[session.user_id].user.may_sign_in, token, successor)

    async def rotate(self, session: Session, fresh: RefreshToken, *used: RefreshToken) -> None:
        self._rows[session.id] = session
        for token in (fresh, *used):
            self._tokens[token.id] = token

    async def end(self, session_id: SessionId, reason: EndReason, now: datetime) -> None:
        session = self._rows.get(session_id)
        if session is not None and session.ended_at is None:
            self._rows[session_id] = replace(session, ended_at=now, end_reason=reason)

    async def end_all(self, user_id: UserId, reason: EndReason, now: datetime, *, keep: SessionId | None = None) -> int:
        ended = [row for row in self._rows.values() if row.user_id == user_id and row.live(now) and row.id != keep]
        for session in ended:
            await self.end(session.id, reason, now)
        return len(ended)

    async def owner(self, session_id: SessionId) -> UserId | None:
        session = self._rows.get(session_id)
        return session.user_id if session else None

    async def list_live(self, user_id: UserId, now: datetime, page: PageRequest) -> Page[Session]:
        live = [row for row in self._rows.values() if row.user_id == user_id and row.live(now)]
        live.sort(key=lambda session: (session.refreshed_at, session.id), reverse=True)
        return cut(live, page, lambda session: (session.refreshed_at.isoformat(), session.id))


def cut(items: Sequence[T], page: PageRequest, position: Callable[[T], tuple[str, ...]]) -> Page[T]:
    """A page of items that are in order."""
    positions = [position(item) for item in items]
    start = 0 if page.after is None else positions.index(page.after) + 1
    end = start + page.size
    return Page(tuple(items[start:end]), positions[end - 1] if end < len(items) else None)


class FakeOneTimeTokens:
    """Tokens that were mailed, in memory."""

    def __init__(self, state: State) -> None:
        self._rows = state.mailed

    async def add(self, token: OneTimeToken) -> None:
        self._rows[token.id] = token

    async def find(self, digest: bytes, purpose: Purpose) -> OneTimeToken | None:
        rows = self._rows.values()
        return next((row for row in rows if row.digest == digest and row.purpose is purpose), None)

    async def use(self, token_id: OneTimeTokenId, now: datetime) -> None:
        self._rows[token_id] = replace(self._rows[token_id], used_at=now)

    async def void(self, user_id: UserId, purpose: Purpose, *, sparing: str | None = None) -> None:
        for row in list(self._rows.values()):
            if row.user_id == user_id and row.purpose is purpose and row.used_at is None and row.email != sparing:
                del self._rows[row.id]

    async def addresses(self, user_id: UserId) -> frozenset[str]:
        return frozenset(row.email for row in self._rows.values() if row.user_id == user_id)


class FakeExports:
    """Exports in memory."""

    def __init__(self, state: State) -> None:
        self._rows = state.exports

    async def begun_since(self, user_id: UserId, since: datetime) -> Sequence[datetime]:
        return sorted(row.asked_at for row in self._rows.values() if row.user_id == user_id and row.asked_at > since)

    async def unfinished(self, user_id: UserId, *, omit_audio: bool) -> str | None:
        for job_id, row in self._rows.items():
            if row.user_id == user_id and row.omit_audio is omit_audio and row.state in {"queued", "running"}:
                return job_id
        return None

    async def find(self, user_id: UserId, job_id: str) -> FoundExport | None:
        row = self._rows.get(job_id)
        return FoundExport(row.state, row.expires_at, row.archive) if row and row.user_id == user_id else None

    async def add(self, export: Export) -> None:
        self._rows[export.job_id] = replace(self._rows[export.job_id], archive=export)


class FakeFiles:
    """An object store in memory, which gives files in pieces of 100,000 bytes."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def put_file(self, key: str, file: BinaryIO, content_type: str) -> None:
        self.kept[key] = file.read()

    async def open(self, key: str, offset: int = 0) -> AsyncIterator[bytes] | None:
        return self._pieces(self.kept[key][offset:]) if key in self.kept else None

    async def _pieces(self, content: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(content), 100_000):
            yield content[start : start + 100_000]

    async def delete(self, key: str) -> None:
        self.kept.pop(key, None)

    async def list(self, prefix: str) -> AsyncIterator[Sequence[str]]:
        yield [key for key in self.kept if key.startswith(prefix)]

    def list_before(self, prefix: str, before: datetime) -> AsyncIterator[Sequence[str]]:
        return self.list(prefix)


class FakeAudit:
    """What administrators did, in memory."""

    def __init__(self, state: State) -> None:
        self._rows = state.audit

    async def add(self, entry: AuditEntry) -> None:
        self._rows[entry.id] = entry


class FakeConfig:
    """A configuration table in memory."""

    def __init__(self, state: State) -> None:
        self._rows = state.config

    async def get(self, key: str) -> ConfigEntry | None:
        return self._rows.get(key)

    async def set(self, entry: ConfigEntry) -> None:
        self._rows[entry.key] = entry

    async def delete(self, key: str) -> None:
        self._rows.pop(key, None)

    async def list(self, key_prefix: str, page: PageRequest) -> Page[ConfigEntry]:
        entries = [self._rows[key] for key in sorted(self._rows) if key.startswith(key_prefix)]
        return cut(entries, page, lambda entry: (entry.key,))

    async def public_values(self) -> Mapping[str, str]:
        return {entry.key: entry.value for entry in self._rows.values() if entry.public}


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
    """Hashes in the clear. A stored `old$...` matches and is outdated. Remembers what it compared with.

    Attributes:
        meanwhile: what else happens once, while a password is compared.
    """

    def __init__(self) -> None:
        self.compared: list[str | None] = []
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def hash(self, password: Password) -> str:
        return f"new${password.normalized}"

    async def verify(self, password: Password, stored: str | None) -> Verdict:
        self.compared.append(stored)
        if self.meanwhile is not None:
            meanwhile, self.meanwhile = self.meanwhile, None
            await meanwhile()
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


class FakeOutgoingMails:
    """Mails that are to be sent, in memory."""

    def __init__(self, state: State) -> None:
        self._rows = state.outgoing

    async def add(self, mail: OutgoingMail) -> None:
        self._rows[mail.id] = mail

    async def take(self, now: datetime, until: datetime) -> OutgoingMail | None:
        due = sorted((row.due_at, row.id) for row in self._rows.values() if row.due_at <= now)
        if not due:
            return None
        mail = self._rows[due[0][1]]
        self._rows[mail.id] = replace(mail, due_at=until, attempts=mail.attempts + 1)
        return self._rows[mail.id]

    async def waits(self, mail_id: OutgoingMailId) -> bool:
        return mail_id in self._rows

    async def put_off(self, mail_id: OutgoingMailId, due_at: datetime) -> None:
        if mail_id in self._rows:
            self._rows[mail_id] = replace(self._rows[mail_id], due_at=due_at)

    async def delete(self, mail_id: OutgoingMailId) -> None:
        self._rows.pop(mail_id, None)

    async def void(self, user_id: UserId, kind: MailKind, *, sparing: str | None = None) -> None:
        for row in list(self._rows.values()):
            if row.user_id == user_id and row.kind is kind and row.address != sparing:
                del self._rows[row.id]

    async def forget_addresses(self, addresses: Collection[str]) -> None:
        lower = {address.lower() for address in addresses}
        for row in list(self._rows.values()):
            if row.address.lower() in lower:
                del self._rows[row.id]


class FakeMailer:
    """Keeps what it is given; fails as often as it is told to."""

    def __init__(self) -> None:
        self.posted: list[Mail] = []
        self.failures: list[BaseException] = []

    async def __call__(self, mail: Mail) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.posted.append(mail)


class FakeBackground:
    """Does what there is in the outbox when it is told to.

    Attributes:
        woken: how often somebody has said that there is something.
    """

    def __init__(self, work: Callable[[], Awaitable[int]]) -> None:
        self._work = work
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1

    async def finish(self) -> None:
        """Sends what is due."""
        await self._work()


class SteppedTime:
    """A steady clock that moves only when somebody sleeps.

    Attributes:
        slept: the seconds of each sleep.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


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
        self.tally = MemoryTally(self.clock)
        self.guard = Guard(self.tally, b"secret of the tests")
        self.steady = SteppedTime()
        self.even_times = EvenTimes(self.steady.now, self.steady.sleep)
        self.mailer = FakeMailer()
        mailed, texts = MailedTokens(self.ids, CountingSecrets(start=1000)), MailTexts("https://app.example")
        self.send_mails = SendMails(self.database, mailed, texts, self.mailer, self.clock)
        self.background = FakeBackground(self.send_mails)
        self.outbox = Outbox(self.ids, self.background.wake)
        self.register = Register(self.database, self.hasher, self.tokens, self.clock, self.ids, TIME_ZONES, self.guard)
        self.login = Login(self.database, self.hasher, self.tokens, self.clock, self.guard, self.even_times, Turns(2))
        self.refresh_tokens = RefreshTokens(self.database, self.tokens, self.clock)
        self.logout = Logout(self.database, self.clock)
        self.list_sessions = ListSessions(self.database, self.clock)
        self.revoke_session = RevokeSession(self.database, self.clock)
        self.get_me = GetMe(self.database)
        self.update_me = UpdateMe(self.database, self.clock, self.ids, TIME_ZONES)
        self.change_password = ChangePassword(self.database, self.hasher, self.clock, self.guard)
        self.request_email_verification = RequestEmailVerification(
            self.database, self.hasher, self.outbox, self.clock, self.guard
        )
        self.verify_email = VerifyEmail(self.database, self.outbox, self.clock)
        self.request_password_reset = RequestPasswordReset(self.database, self.outbox, self.clock, self.guard)
        self.reset_password = ResetPassword(self.database, self.hasher, self.clock, self.guard)
        self.list_users = ListUsers(self.database)
        self.update_user = UpdateUser(self.database, self.clock, self.ids)
        self.list_config = ListConfig(self.database)
        self.set_config = SetConfig(self.database, self.clock, self.ids)
        self.get_public_config = GetPublicConfig(self.database)
        self.files = FakeFiles()
        self.export_my_data = ExportMyData(self.database, self.begin_export, self.clock)
        self.download_my_data = DownloadMyData(self.database, self.files, self.clock)
        self.delete_me = DeleteMe(self.database, self.hasher, self.begin_deletion, self.clock, self.guard)
        self.check_session = CheckSession(self.database, self.clock)
        self.authenticate = Authenticate(self.database, self.access_tokens, self.clock)
        self.create_account = CreateAccount(self.database, self.hasher, self.clock, self.ids)

    async def begin_export(self, uow: FakeUnitOfWork, user_id: UserId, asked: Mapping[str, object]) -> str:
        """A job that is to export."""
        job_id = self.ids.new_id()
        uow.state.exports[job_id] = FakeExport(user_id, asked["omit_audio"] is True, self.clock.now())
        return job_id

    async def begin_deletion(self, uow: FakeUnitOfWork, user_id: UserId, asked: Mapping[str, object]) -> str:
        """A job that is to delete."""
        job_id = self.ids.new_id()
        uow.state.deletions[job_id] = user_id
        return job_id

    @property
    def use_cases(self) -> AccountsUseCases:
        """What AccountsService answers with."""
        return AccountsUseCases(**{each.name: getattr(self, each.name) for each in fields(AccountsUseCases)})

    @property
    def state(self) -> State:
        """What is committed."""
        return self.database.state

    def add_config(self, key: str, value: str, *, public: bool = False) -> ConfigEntry:
        """Puts a setting into the database."""
        self.state.config[key] = ConfigEntry(key, value, f"about {key}", public, NOON)
        return self.state.config[key]

    async def caller(self, login: str = "mika@example.com", password: str = "correct horse") -> Caller:
        """Somebody who has just signed in."""
        begun = await self.login(sign_in(login, password))
        return await self.authenticate(begun.tokens.access_token)

    def mailed_token(self) -> str:
        """The token in the last mail that has one."""
        found: list[str] = [token for mail in self.mailer.posted for token in re.findall(r"#token=(\S+)", mail.text)]
        return found[-1]

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
    network: str = HOME,
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
        network=network,
        repeat=repeat,
    )


def sign_in(login: str = "mika@example.com", password: str = "correct horse", network: str = HOME) -> SignIn:
    """A request to sign in."""
    return SignIn(login, Password(password), Device("Mika's phone", "kaiwa-test/1"), network)
