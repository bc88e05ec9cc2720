"""What imports need from outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, TypeAlias, TypeVar

from server.content.domain.entries import Entry, Fate, LeftOut, ReadSentence, ScheduledCard
from server.content.domain.imports import (
    Counts,
    FileRole,
    Import,
    ImportFile,
    ImportId,
    ImportKind,
    ImportLimits,
    ImportOptions,
    ImportState,
    NoteTypeMapping,
    Problem,
)
from server.content.domain.sentence import SentenceId, Source
from server.content.ports import Idempotency
from server.kernel.identity import UserId
from server.kernel.paging import Page, PageRequest

V = TypeVar("V")


class ImportRefused(Exception):
    """Files can't be used at all.

    Args:
        problem: why.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.description)
        self.problem = problem


class MappingRefused(Exception):
    """A mapping names something that a file doesn't have, or no Japanese.

    Args:
        field: of the options.
        problem: what is wrong.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field = field
        self.problem = problem


class ImportRepository(Protocol):
    """Stores imports."""

    async def add(self, new: Import) -> None:
        """Stores a new import without files."""
        ...

    async def get(self, import_id: ImportId, owner_id: UserId | None) -> Import | None:
        """An import of this user, or with None of whomever."""
        ...

    async def lock(self, import_id: ImportId, owner_id: UserId | None) -> Import | None:
        """An import as it is now and stays, but for this transaction, until the transaction ends."""
        ...

    async def save(self, changed: Import) -> None:
        """Stores an import, all but its files."""
        ...

    async def count_open(self, owner_id: UserId) -> int:
        """How many of a user's imports await their files or job. Until the transaction ends nobody else counts."""
        ...

    async def find(self, owner_id: UserId, state: ImportState | None, page: PageRequest) -> Page[Import]:
        """A page of a user's imports, newest first, without the single problems of their reports."""
        ...

    async def begin_file(self, import_id: ImportId, file: ImportFile) -> None:
        """Puts a file without bytes in the place of the one of its role."""
        ...

    async def drop_file(self, import_id: ImportId, role: FileRole) -> None:
        """Takes a file away."""
        ...

    async def add_part(self, import_id: ImportId, file: ImportFile, size_bytes: int, object_key: str) -> bool:
        """Adds a part at the end of a file; False when the file's end is elsewhere meanwhile."""
        ...

    async def complete_file(self, import_id: ImportId, file: ImportFile, sha256: str) -> None:
        """Says that a file is whole and what its digest is."""
        ...

    async def parts(self, import_id: ImportId, role: FileRole) -> Sequence[str]:
        """The keys of a file's parts, in order."""
        ...

    async def drop_parts(self, import_id: ImportId) -> None:
        """Lets go of the bytes of all files; their objects are then nobody's."""
        ...


class ImportedSentenceRepository(Protocol):
    """Stores the sentences of imports, many at once."""

    async def fates(
        self, kind: str, source: Source, owner_id: UserId | None, entries: Sequence[Entry], *, analysed: bool
    ) -> list[Fate]:
        """What would become of entries; changes nothing."""
        ...

    async def store(
        self,
        kind: str,
        source: Source,
        owner_id: UserId | None,
        sentences: Sequence[tuple[SentenceId, bool, Entry, ReadSentence | None]],
        now: datetime,
    ) -> frozenset[SentenceId]:
        """Adds and updates sentences; returns the ids of those that were stored."""
        ...


@dataclass(frozen=True, slots=True)
class ImportedCard:
    """A card of a note, for the learner who imports it.

    Attributes:
        note_guid: of its note; with the template's number it names the card for good.
        sentence_id: the sentence that the note became.
        scheduled: its template, skill, schedule and reviews.
    """

    note_guid: str
    sentence_id: SentenceId
    scheduled: ScheduledCard


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What became of imported cards and their reviews.

    Attributes:
        bad: (note guid, what is wrong) of schedules that can't be understood; their cards arrived new.
    """

    cards: Counts
    reviews: Counts
    bad: tuple[tuple[str, str], ...] = ()


class ImportedScheduling(Protocol):
    """The learner's cards: learning implements it. Importing the same again changes nothing."""

    async def take_over(
        self, owner_id: UserId, cards: Sequence[ImportedCard], collection: Collection, now: datetime
    ) -> TakenOver:
        """Adds cards with their state and log of reviews, or brings up to date what was imported before."""
        ...


class ImportedRecordings(Protocol):
    """The recordings of sentences."""

    async def known(self, keys: Sequence[str]) -> frozenset[str]:
        """Those of the keys of the object store that sentences have recordings under."""
        ...

    async def add(self, recordings: Sequence[ImportedRecording], now: datetime) -> None:
        """Adds recordings, each the last of its sentence."""
        ...


@dataclass(frozen=True, slots=True)
class ImportedRecording:
    """A recording that was stored for a sentence.

    Attributes:
        object_key: where its bytes are.
        sha256: of the stored file, 32 bytes.
    """

    id: str
    sentence_id: SentenceId
    object_key: str
    size_bytes: int
    duration_seconds: float
    sample_rate_hertz: int
    content_type: str
    sha256: bytes
    author: str
    licence: str


@dataclass(frozen=True, slots=True)
class Collection:
    """What the days of an Anki collection are counted from.

    Attributes:
        created: seconds since 1970 of the day that is day 0.
        rollover_hour: when a day begins, 0 to 23, in the learner's zone.
    """

    created: int = 0
    rollover_hour: int = 4


class UnitOfWork(Protocol):
    """A transaction that rolls back unless it is committed."""

    @property
    def imports(self) -> ImportRepository:
        """The imports."""
        ...

    @property
    def imported_sentences(self) -> ImportedSentenceRepository:
        """Their sentences."""
        ...

    @property
    def imported_scheduling(self) -> ImportedScheduling:
        """Their cards."""
        ...

    @property
    def imported_recordings(self) -> ImportedRecordings:
        """Their recordings."""
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


U = TypeVar("U", bound=UnitOfWork)
U_co = TypeVar("U_co", bound=UnitOfWork, covariant=True)
UnitOfWorkFactory: TypeAlias = Callable[[], UnitOfWork]


class UploadStore(Protocol):
    """Where the parts of files and recordings are kept."""

    async def put(self, key: str, data: bytes, attributes: Mapping[str, str]) -> None:
        """Stores an object.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE.
        """
        ...

    async def get(self, key: str) -> bytes | None:
        """An object; None when there is none.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE.
        """
        ...

    async def delete(self, key: str) -> None:
        """Removes an object; nothing happens when there is none.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE.
        """
        ...


@dataclass(frozen=True, slots=True)
class Head:
    """What a parser says before the first entry.

    Attributes:
        entries, cards, reviews, media: how many there are.
        columns: the names of a table's columns.
        table: how a table is read: encoding, delimiter, header, columns by number.
        note_types: of an Anki package, with what their fields were found to hold.
        decks: full names of an Anki package's decks.
        collection: of an Anki package.
    """

    entries: int
    cards: int = 0
    reviews: int = 0
    media: int = 0
    columns: tuple[str, ...] = ()
    table: Mapping[str, object] | None = None
    note_types: tuple[NoteTypeMapping, ...] = ()
    decks: tuple[str, ...] = ()
    collection: Collection = Collection()


class ImportReader(Protocol):
    """Reads files, where they can do no harm."""

    def read(
        self,
        kind: ImportKind,
        files: Mapping[FileRole, Path],
        options: ImportOptions,
        limits: ImportLimits,
        *,
        most: int | None = None,
    ) -> AbstractAsyncContextManager[tuple[Head, AsyncIterator[Entry | LeftOut]]]:
        """The entries of files, after what there is to say before them.

        Args:
            most: how many entries are wanted; None: all.

        Raises:
            ImportRefused, MappingRefused: here or when an entry is asked for.
        """
        ...

    def media(
        self, kind: ImportKind, files: Mapping[FileRole, Path], members: Sequence[str], limits: ImportLimits
    ) -> AbstractAsyncContextManager[AsyncIterator[tuple[str, bytes | None]]]:
        """Members of an archive with their bytes; None in the place of one that is too large.

        Raises:
            ImportRefused: here or when one is asked for.
        """
        ...


class BatchAnalyser(Protocol):
    """Reads many sentences, on several cores."""

    async def read(self, entries: Sequence[Entry]) -> Sequence[ReadSentence]:
        """What is read out of each."""
        ...


@dataclass(frozen=True, slots=True)
class Playable:
    """A recording as it is stored: Opus in Ogg."""

    data: bytes
    duration_seconds: float
    sample_rate_hertz: int


class RecordingMaker(Protocol):
    """Makes what people upload into recordings that play everywhere and can do no harm."""

    async def playable(self, data: bytes) -> Playable | None:
        """The recording; None when it can't be decoded, or is too long."""
        ...


class ImportRun(Protocol[U_co]):
    """One attempt of the job that runs an import."""

    @property
    def import_id(self) -> ImportId:
        """Which one."""
        ...

    def report(self, done: int, total: int | None, stage: str) -> None:
        """Says how far it is."""
        ...

    async def step(self, effect: Callable[[U_co], Awaitable[V]], done: int) -> V:
        """Stores a part of the work, all or nothing."""
        ...


StartImportJob: TypeAlias = Callable[[U, UserId, ImportId], Awaitable[str]]
"""Queues the job that runs an import, in a transaction; returns its id. Raises ResourceExhausted: TOO_MANY_JOBS."""
