"""What accounts need from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import BinaryIO, Protocol, Self, TypeAlias, TypeVar

from server.accounts.domain.administration import AuditEntry, ConfigEntry, UserFilter
from server.accounts.domain.export import Export, FoundExport
from server.accounts.domain.one_time_token import OneTimeToken, OneTimeTokenId, Purpose
from server.accounts.domain.outgoing_mail import MailKind, OutgoingMail, OutgoingMailId
from server.accounts.domain.password import Password
from server.accounts.domain.session import EndReason, Family, RefreshToken, Session, SessionAccess
from server.accounts.domain.user import Credentials, User
from server.kernel.identity import SessionId, UserId
from server.kernel.ownership import Record
from server.kernel.paging import Page, PageRequest

V = TypeVar("V")
U_contra = TypeVar("U_contra", contravariant=True)
U_co = TypeVar("U_co", covariant=True)


class UserRepository(Protocol):
    """Stores accounts. Names are found without regard to case, by `domain.user.sign_in_key`."""

    async def add(self, user: User, password_hash: str) -> None:
        """Stores a new account.

        Raises:
            AlreadyExists: EMAIL_TAKEN or USERNAME_TAKEN. The transaction is of no use after it.
        """
        ...

    async def get(self, user_id: UserId) -> User | None:
        """An account by its id."""
        ...

    async def find_by_email(self, key: str) -> Credentials | None:
        """An account by its address."""
        ...

    async def find_by_username(self, key: str) -> Credentials | None:
        """An account by its username."""
        ...

    async def lock(self, user_id: UserId) -> Credentials | None:
        """An account as it is now and stays, but for this transaction, until the transaction ends."""
        ...

    async def save(self, user: User) -> None:
        """Stores an account that was changed.

        Raises:
            AlreadyExists: EMAIL_TAKEN or USERNAME_TAKEN. The transaction is of no use after it.
        """
        ...

    async def set_password_hash(self, user_id: UserId, password_hash: str) -> None:
        """Stores another hash of an account's password."""
        ...

    async def list(self, wanted: UserFilter, page: PageRequest) -> Page[User]:
        """Accounts, the newest first."""
        ...

    async def lock_active_admins(self) -> frozenset[UserId]:
        """The active administrators, who stay that until the transaction ends. To be asked before `lock`.

        Those whose account is being deleted are not among them.
        """
        ...

    async def lock_out(self, user_id: UserId) -> Credentials | None:
        """An account that until the transaction ends nobody else changes, nor stores anything for."""
        ...

    async def delete(self, user_id: UserId) -> None:
        """Deletes an account, and with it whatever refers to it."""
        ...


class SessionRepository(Protocol):
    """Stores sessions with their refresh tokens."""

    async def add(self, session: Session, token: RefreshToken) -> None:
        """Stores a new session with its first refresh token."""
        ...

    async def access(self, session_id: SessionId, now: datetime) -> SessionAccess | None:
        """What decides about an access token of a session, in one query; None when there is no such session."""
        ...

    async def lock_family(self, digest: bytes) -> Family | None:
        """What decides about the refresh token with this digest, as it is now and stays until the transaction ends."""
        ...

    async def rotate(self, session: Session, fresh: RefreshToken, *used: RefreshToken) -> None:
        """Stores a session as it is after a refresh.

        Args:
            session: with its new times and user agent.
            fresh: the new token.
            used: the tokens that are used up, pointing to the fresh one now.
        """
        ...

    async def end(self, session_id: SessionId, reason: EndReason, now: datetime) -> None:
        """Ends a session; one that has ended stays as it is."""
        ...

    async def end_all(self, user_id: UserId, reason: EndReason, now: datetime, *, keep: SessionId | None = None) -> int:
        """Ends a user's live sessions, all but `keep`; returns how many."""
        ...

    async def owner(self, session_id: SessionId) -> UserId | None:
        """Whose session it is, live or not; None when there is no such session."""
        ...

    async def list_live(self, user_id: UserId, now: datetime, page: PageRequest) -> Page[Session]:
        """A user's live sessions, the last refreshed first."""
        ...


class OneTimeTokenRepository(Protocol):
    """Stores tokens that are mailed. Whoever changes a user's holds the lock of that user."""

    async def add(self, token: OneTimeToken) -> None:
        """Stores a new token."""
        ...

    async def find(self, digest: bytes, purpose: Purpose) -> OneTimeToken | None:
        """The token with this digest, if it is for this purpose."""
        ...

    async def use(self, token_id: OneTimeTokenId, now: datetime) -> None:
        """Marks a token as used."""
        ...

    async def void(self, user_id: UserId, purpose: Purpose, *, sparing: str | None = None) -> None:
        """Forgets a user's tokens for a purpose that have not been used, but for those mailed to this address."""
        ...

    async def addresses(self, user_id: UserId) -> frozenset[str]:
        """Where a user's tokens were mailed to, as far as they are kept."""
        ...


class OutgoingMailRepository(Protocol):
    """Stores mails until they are sent."""

    async def add(self, mail: OutgoingMail) -> None:
        """Stores a mail."""
        ...

    async def take(self, now: datetime, until: datetime) -> OutgoingMail | None:
        """The mail that has been due for longest, which nobody else takes until then; None when none is due."""
        ...

    async def waits(self, mail_id: OutgoingMailId) -> bool:
        """Whether a mail is still to be sent."""
        ...

    async def put_off(self, mail_id: OutgoingMailId, due_at: datetime) -> None:
        """Has a mail tried later."""
        ...

    async def delete(self, mail_id: OutgoingMailId) -> None:
        """Forgets a mail; one that is not there is no error."""
        ...

    async def void(self, user_id: UserId, kind: MailKind, *, sparing: str | None = None) -> None:
        """Forgets a user's mails of a kind that have not been sent, but for those to this address."""
        ...

    async def forget_addresses(self, addresses: Collection[str]) -> None:
        """Forgets all mails to addresses, whosever they are."""
        ...


class AuditLog(Protocol):
    """Keeps what administrators did."""

    async def add(self, entry: AuditEntry) -> None:
        """Stores an entry."""
        ...


class ConfigRepository(Protocol):
    """Stores the configuration table."""

    async def get(self, key: str) -> ConfigEntry | None:
        """An entry by its key."""
        ...

    async def set(self, entry: ConfigEntry) -> None:
        """Stores an entry, in the place of the one with its key if there is one."""
        ...

    async def delete(self, key: str) -> None:
        """Deletes an entry; one that is not there is no error."""
        ...

    async def list(self, key_prefix: str, page: PageRequest) -> Page[ConfigEntry]:
        """Entries whose keys begin so, in the order of their keys."""
        ...

    async def public_values(self) -> Mapping[str, str]:
        """The values of all public entries by their keys."""
        ...


class Idempotency(Protocol):
    """First answers to mutations that named a request id."""

    async def claim(
        self, user_id: UserId, method: str, request_id: str, body_hash: bytes, now: datetime
    ) -> bytes | None:
        """The first answer; None if this call is the first, which then has to `store` its answer.

        Raises:
            AlreadyExists: REQUEST_ID_REUSED.
        """
        ...

    async def store(self, user_id: UserId, method: str, request_id: str, response: bytes) -> None:
        """Keeps the first answer to a claimed id."""
        ...


class ExportRepository(Protocol):
    """Stores the archives of exports, and looks at the jobs that make them."""

    async def begun_since(self, user_id: UserId, since: datetime) -> Sequence[datetime]:
        """When the user's exports were asked for since a time, the oldest first."""
        ...

    async def unfinished(self, user_id: UserId, *, omit_audio: bool) -> str | None:
        """The job of an export with these contents that is queued or running."""
        ...

    async def find(self, user_id: UserId, job_id: str) -> FoundExport | None:
        """An export of this user's, as far as it is known."""
        ...

    async def add(self, export: Export) -> None:
        """Stores an archive."""
        ...


class StudyDays(Protocol):
    """Is told when a learner's days are counted otherwise; learning's, which replays reviews by the days of their time.

    Days are given as the IANA name of the time zone and the hour at which the day turns.
    """

    async def hold(self, user_id: UserId) -> None:
        """Lets nobody else change how a learner studies until the transaction ends."""
        ...

    async def changed(
        self, user_id: UserId, change_id: str, before: tuple[str, int], after: tuple[str, int], at: datetime
    ) -> None:
        """Puts other days in force from a time on."""
        ...


class UnitOfWork(Protocol):
    """A transaction that rolls back unless it is committed."""

    @property
    def users(self) -> UserRepository:
        """The accounts."""
        ...

    @property
    def sessions(self) -> SessionRepository:
        """The sign-in sessions."""
        ...

    @property
    def config(self) -> ConfigRepository:
        """The configuration table."""
        ...

    @property
    def one_time_tokens(self) -> OneTimeTokenRepository:
        """The tokens that were mailed."""
        ...

    @property
    def outgoing_mails(self) -> OutgoingMailRepository:
        """The mails that are to be sent."""
        ...

    @property
    def audit(self) -> AuditLog:
        """The log of what administrators did."""
        ...

    @property
    def exports(self) -> ExportRepository:
        """The archives of exports."""
        ...

    @property
    def idempotency(self) -> Idempotency:
        """The first answers."""
        ...

    @property
    def study_days(self) -> StudyDays:
        """How the learners' days are counted."""
        ...

    async def commit(self) -> None:
        """Makes everything done so far durable."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


UnitOfWorkFactory: TypeAlias = Callable[[], UnitOfWork]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a genuine access token says.

    Attributes:
        user_id: its subject.
        session_id: the session it belongs to.
        expires_at: when it expires, or expired.
    """

    user_id: UserId
    session_id: SessionId
    expires_at: datetime


class AccessTokens(Protocol):
    """Makes and reads access tokens."""

    def issue(self, claims: AccessClaims, now: datetime) -> str:
        """A signed token that says `claims`."""
        ...

    def verify(self, token: str) -> AccessClaims:
        """What a token says, expired or not.

        Raises:
            Unauthenticated: TOKEN_INVALID when it is malformed, forged, not meant for this server, or signed with a
                key or algorithm that the server does not accept.
        """
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a password compares with a stored hash.

    Attributes:
        matches: whether it is the one.
        outdated: whether the hash should be replaced by one of the present kind and cost.
    """

    matches: bool
    outdated: bool = False


class PasswordHasher(Protocol):
    """Hashes and compares passwords, off the event loop.

    Both raise ResourceExhausted (RATE_LIMITED) when too many wait already.
    """

    async def hash(self, password: Password) -> str:
        """A hash of the present kind and cost, with a salt of its own."""
        ...

    async def verify(self, password: Password, stored: str | None) -> Verdict:
        """Compares a password with a stored hash.

        None, for an account that does not exist, never matches and takes as long as a hash of the present kind.
        """
        ...


class Tally(Protocol):
    """Counts by key, each forgotten some time after it began. What fails is dealt with by it: it never raises."""

    async def add(self, key: str, life: timedelta) -> int:
        """Counts one more; the count with it.

        Args:
            life: how long the count is kept, from its first one on.
        """
        ...

    async def count(self, key: str) -> int:
        """The count as it is; 0 where there is none."""
        ...

    async def remaining(self, key: str) -> timedelta:
        """How long the count is still kept; zero where there is none."""
        ...

    async def clear(self, key: str) -> None:
        """Forgets a count."""
        ...


SecretSource: TypeAlias = Callable[[int], bytes]
"""Makes that many random bytes, fit for secrets; `secrets.token_bytes`."""


@dataclass(frozen=True, slots=True)
class Mail:
    """A message to one address. Its repr hides it: it may hold a token.

    Attributes:
        to: the address.
        subject: one line.
        text: plain text, lines ended by line feeds.
    """

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)


class MailNotSent(Exception):
    """A mail that could not be sent. The text names the kind of failure; never the address.

    Args:
        kind: of the failure.
        may_pass: whether trying again may help.
    """

    def __init__(self, kind: str, *, may_pass: bool = True) -> None:
        super().__init__(kind)
        self.may_pass = may_pass


class SendMail(Protocol):
    """Sends mails."""

    async def __call__(self, mail: Mail) -> None:
        """Sends one, and waits until it has gone out.

        Raises:
            MailNotSent: it has not.
        """
        ...


Wake: TypeAlias = Callable[[], None]
"""Has work done soon. Never waits and never fails."""


class BeginJob(Protocol[U_contra]):
    """Queues a job of one kind in the transaction of whoever asks."""

    async def __call__(self, uow: U_contra, user_id: UserId, asked: Mapping[str, object]) -> str:
        """The job's id.

        Raises:
            ResourceExhausted: TOO_MANY_JOBS.
        """
        ...


class Attempt(Protocol[U_co]):
    """An attempt of a job. What it stores in steps is stored by one attempt only, however many there are.

    Attributes:
        checkpoint: what attempts so far keep for later ones, as JSON values; stored with the next step.
    """

    checkpoint: dict[str, object]

    def report(self, done: int, total: int | None = None, stage: str = "") -> None:
        """Says how far it is."""
        ...

    async def step(self, effect: Callable[[U_co], Awaitable[V]]) -> V:
        """Stores a part of the work, all or nothing."""
        ...


class Files(Protocol):
    """The object store."""

    async def put_file(self, key: str, file: BinaryIO, content_type: str) -> None:
        """Stores a file, read from its present position, whole or not at all.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE.
        """
        ...

    async def open(self, key: str, offset: int = 0) -> AsyncIterator[bytes] | None:
        """A file from a position before its end on; None when there is none.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE, while it is read, too.
        """
        ...

    async def delete(self, key: str) -> None:
        """Removes a file; nothing happens when there is none."""
        ...

    def list(self, prefix: str) -> AsyncIterator[Sequence[str]]:
        """The keys under a prefix, in portions."""
        ...

    def list_before(self, prefix: str, before: datetime) -> AsyncIterator[Sequence[str]]:
        """The keys under a prefix that were stored before a time, in portions."""
        ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """A finished archive: where to read it from its beginning, its size, and its SHA-256."""

    file: BinaryIO
    size_bytes: int
    sha256: bytes


class ArchiveWriter(Protocol):
    """An archive that is being written."""

    async def add_text(self, path: str, text: str) -> None:
        """Adds a file with a text."""
        ...

    async def begin_records(self, path: str) -> None:
        """Begins a file with a JSON array of records."""
        ...

    async def add_portion(self, records: Sequence[Record]) -> None:
        """Adds records to the file under way."""
        ...

    async def end_records(self) -> None:
        """Ends the file under way."""
        ...

    async def add_file(self, path: str, content: AsyncIterator[bytes]) -> None:
        """Adds a file as it is."""
        ...

    async def seal(self) -> Sealed:
        """Ends the archive."""
        ...


class Archives(Protocol):
    """Where archives are written. Nothing of one stays on this machine when its block, or this process, ends."""

    def begin(self, now: datetime) -> AbstractAsyncContextManager[ArchiveWriter]:
        """Begins an archive whose files are dated."""
        ...


class Traces(Protocol):
    """What names a user outside of the database and the object store."""

    async def forget(self, user: User, addresses: frozenset[str]) -> None:
        """Removes it.

        Args:
            user: the account.
            addresses: all addresses that are known to be theirs.
        """
        ...
