"""What speech keeps, as Protocols: attempts, sessions, the sentences it reads, the audio."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from server.kernel.identity import Caller, UserId
from server.kernel.paging import Page, PageRequest
from server.speech.domain.attempt import Attempt, Purpose, SpeakingSession


@dataclass(frozen=True, slots=True)
class PracticeSentence:
    """A sentence as a practice needs it.

    Attributes:
        reading: how it is pronounced, in kana, when a human checked it; else empty.
    """

    id: str
    japanese: str
    english: str
    reading: str


class Sentences(Protocol):
    """The sentences of the content service that a caller may see."""

    async def find_for_practice(self, caller: Caller, sentence_id: str) -> PracticeSentence | None:
        """The sentence; None when there is none that this caller may see."""
        ...


@dataclass(frozen=True, slots=True)
class AttemptFilter:
    """Which attempts are wanted; None means any. `since` is the first moment, `until` the first one after."""

    sentence_id: str | None = None
    session_id: str | None = None
    card_id: str | None = None
    purpose: Purpose | None = None
    since: datetime | None = None
    until: datetime | None = None
    assessable_only: bool = False


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions are wanted, by when they started; None means any. `until` is the first moment after."""

    sentence_id: str | None = None
    purpose: Purpose | None = None
    since: datetime | None = None
    until: datetime | None = None
    open_only: bool = False


class Attempts(Protocol):
    """The learners' attempts."""

    async def add(self, attempt: Attempt) -> Attempt:
        """Stores an attempt, counts its number in its session, and returns what is stored.

        When the user has one with the same practice id already, that one is returned and nothing is stored.
        """
        ...

    async def by_practice(self, user_id: UserId, practice_id: str) -> Attempt | None:
        """The attempt that a practice led to, deleted or not."""
        ...

    async def get(self, user_id: UserId, attempt_id: str) -> Attempt | None:
        """An attempt; None when it is not the user's or deleted."""
        ...

    async def list(self, user_id: UserId, wanted: AttemptFilter, page: PageRequest) -> Page[Attempt]:
        """Outlines of attempts, newest first."""
        ...

    async def delete(self, user_id: UserId, attempt_id: str, at: datetime) -> Attempt | None:
        """Marks an attempt deleted and empties it; returns it as it was, or None when there was none.

        Deleting one that is deleted returns it without audio.
        """
        ...

    async def audio_seconds_since(self, user_id: UserId, since: datetime) -> float:
        """How much audio the user has practised since then, deleted attempts included."""
        ...


class SpeakingSessions(Protocol):
    """The learners' speaking sessions."""

    async def add(self, session: SpeakingSession) -> None:
        """Stores a new session."""
        ...

    async def get(self, user_id: UserId, session_id: str) -> SpeakingSession | None:
        """A session with its figures; None when it is not the user's."""
        ...

    async def end(self, user_id: UserId, session_id: str, at: datetime) -> None:
        """Ends a session that is open."""
        ...

    async def end_forgotten(self, user_id: UserId, before: datetime) -> None:
        """Ends the user's open sessions whose last attempt (or start) was before that time, at that moment."""
        ...

    async def list(self, user_id: UserId, wanted: SessionFilter, page: PageRequest) -> Page[SpeakingSession]:
        """Sessions, newest first."""
        ...


class Cards(Protocol):
    """The learners' cards, as far as a spoken review needs them."""

    async def owns(self, user_id: UserId, card_id: str) -> bool:
        """Whether the card is the user's."""
        ...


@dataclass(frozen=True, slots=True)
class LearnerDay:
    """When the learner's day turns: IANA zone and hour 0 to 23."""

    time_zone: str
    turn_hour: int


class Learners(Protocol):
    """What practice needs to know of a learner."""

    async def day_of(self, user_id: UserId) -> LearnerDay:
        """The learner's day."""
        ...


class Idempotency(Protocol):
    """Remembers answers by request id."""

    async def claim(
        self, user_id: UserId, method: str, request_id: str, body_hash: bytes, now: datetime
    ) -> bytes | None:
        """The first answer to this request, or None when it is new and now claimed.

        Raises:
            AlreadyExists: REQUEST_ID_REUSED when the id came with another body.
        """
        ...

    async def store(self, user_id: UserId, method: str, request_id: str, response: bytes) -> None:
        """Keeps the answer to a claimed request."""
        ...


class UnitOfWork(Protocol):
    """One transaction; rolled back unless committed."""

    @property
    def attempts(self) -> Attempts: ...
    @property
    def speaking_sessions(self) -> SpeakingSessions: ...
    @property
    def practice_sentences(self) -> Sentences: ...
    @property
    def practice_cards(self) -> Cards: ...
    @property
    def learners(self) -> Learners: ...
    @property
    def idempotency(self) -> Idempotency: ...

    async def __aenter__(self) -> Self: ...
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    async def commit(self) -> None:
        """Makes the changes lasting."""
        ...


UnitOfWorkFactory = Callable[[], UnitOfWork]


class AudioStore(Protocol):
    """Keeps audio files."""

    async def put(self, key: str, data: bytes, attributes: Mapping[str, str]) -> None:
        """Stores a file whole or not at all.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE.
        """
        ...

    async def get(self, key: str) -> bytes | None:
        """A file; None when there is none."""
        ...

    async def delete(self, key: str) -> None:
        """Removes a file; nothing happens when there is none."""
        ...
