"""What content needs from outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from server.content.domain.analysis import Parts, Said
from server.content.domain.furigana import Word
from server.content.domain.pronunciation import Pronunciation, PronunciationFilter, PronunciationId
from server.content.domain.selection import Order, Selection
from server.content.domain.sentence import AudioId, Sentence, SentenceId, Source
from server.content.domain.spaces import Spaces
from server.kernel.identity import UserId
from server.kernel.paging import Page, PageRequest


class SentenceRepository(Protocol):
    """Stores sentences. Tombstones are found only where it says so."""

    async def get(self, sentence_id: SentenceId, spaces: Spaces, *, or_deleted: bool = False) -> Sentence | None:
        """A sentence, if it is in one of the spaces.

        Args:
            or_deleted: finds a tombstone too.
        """
        ...

    async def get_many(self, sentence_ids: Collection[SentenceId], spaces: Spaces) -> Sequence[Sentence]:
        """Those of the sentences that are in one of the spaces, in any order."""
        ...

    async def find(self, selection: Selection, order: Order, page: PageRequest) -> Page[Sentence]:
        """A page of the sentences that pass every filter.

        Args:
            order: RELEVANCE only with terms.
            page: its position is one that this method gave with the same selection and order.
        """
        ...

    async def find_shared_by_source_id(self, source: Source) -> Sequence[Sentence]:
        """All shared sentences of a source that have an id in it, tombstones too, by source id, tombstones first."""
        ...

    async def add(self, sentence: Sentence) -> None:
        """Stores a new sentence without audio.

        Raises:
            AlreadyExists: SENTENCE_ALREADY_EXISTS when its space has one with this source and source id. The
                transaction can go on.
        """
        ...

    async def save(self, sentence: Sentence) -> bool:
        """Stores a sentence that was changed, all but its audio, in the place of the revision before its own.

        Returns:
            Whether that was the revision stored; if not, nothing was changed.

        Raises:
            AlreadyExists: SENTENCE_ALREADY_EXISTS when its source id is taken. The transaction can go on.
        """
        ...

    async def arrange_recordings(self, sentence_id: SentenceId, recording_ids: Sequence[AudioId]) -> None:
        """Puts the recordings of a sentence into this order and takes those away that are not in it."""
        ...


class PronunciationRepository(Protocol):
    """Stores the pronunciation dictionary."""

    async def get(self, pronunciation_id: PronunciationId, spaces: Spaces) -> Pronunciation | None:
        """An entry or its tombstone, if it is in one of the spaces."""
        ...

    async def find_one(self, word: str, reading: str, owner_id: UserId | None) -> Pronunciation | None:
        """The entry of a word and reading in one space."""
        ...

    async def within(self, text: str, spaces: Spaces) -> Sequence[Pronunciation]:
        """The entries in the spaces whose word stands in a text."""
        ...

    async def find(self, wanted: PronunciationFilter, page: PageRequest) -> Page[Pronunciation]:
        """A page of the entries that pass every filter, by word, reading and id."""
        ...

    async def add(self, entry: Pronunciation, by: UserId) -> bool:
        """Stores a new entry; False when its space has one for this word and reading meanwhile."""
        ...

    async def save(self, entry: Pronunciation, by: UserId) -> bool:
        """Stores an entry in the place of the revision before its own; False when another one is stored."""
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


class UnitOfWork(Protocol):
    """A transaction that rolls back unless it is committed."""

    @property
    def sentences(self) -> SentenceRepository:
        """The sentences."""
        ...

    @property
    def pronunciations(self) -> PronunciationRepository:
        """The pronunciation dictionary."""
        ...

    @property
    def idempotency(self) -> Idempotency:
        """The first answers."""
        ...

    async def commit(self) -> None:
        """Makes everything done so far durable."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


UnitOfWorkFactory: TypeAlias = Callable[[], UnitOfWork]


class TextAnalyser(Protocol):
    """Takes Japanese apart."""

    async def words(self, text: str) -> Sequence[Word]:
        """The words of a text in order, each with its reading as it is spelled, in kana.

        Raises:
            Unavailable: ANALYZER_UNAVAILABLE when there is too much to do.
        """
        ...


class PartsAnalyser(Protocol):
    """Takes Japanese apart, down to its morae."""

    @property
    def version(self) -> str:
        """Name and version; another version may read a text differently."""
        ...

    async def take_apart(self, text: str, said: Sequence[Said] = ()) -> Parts:
        """The words and accent phrases of a text.

        Args:
            said: what somebody knows better, in order, without overlaps.

        Raises:
            Unavailable: ANALYZER_UNAVAILABLE when there is too much to do.
        """
        ...


@dataclass(frozen=True, slots=True)
class Repeat:
    """What makes the creation of a sentence safe to repeat.

    Attributes:
        request_id: the client's UUID, in lower case.
        body_hash: SHA-256 of the request without the id.
        encode, decode: turn an answer into the bytes that are kept, and back.
    """

    request_id: str
    body_hash: bytes
    encode: Callable[[Sentence], bytes]
    decode: Callable[[bytes], Sentence]
