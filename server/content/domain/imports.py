"""Imports: what is brought from elsewhere, how far it is, and what became of it. Kept as documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import NewType

from server.content.domain.sentence import Visibility
from server.errors import FailedPrecondition, InvalidInput, NotFound, Reason
from server.kernel.identity import UserId

ImportId = NewType("ImportId", str)

KEPT = timedelta(days=7)
"""How long files are kept after the last byte came, unless the import is started."""
MOST_OPEN = 5
"""How many imports of one account may await their files or their job; the contract says so."""
MOST_PROBLEMS = 1000
"""How many problems a report holds."""


class ImportKind(StrEnum):
    """What an import reads."""

    TATOEBA = "tatoeba"
    TATOEBA_PAIRS = "tatoeba_pairs"
    ANKI_PACKAGE = "anki_package"
    TABLE = "table"


class FileRole(StrEnum):
    """What a file of an import is for."""

    TATOEBA_SENTENCES = "tatoeba_sentences"
    TATOEBA_ENGLISH = "tatoeba_english"
    TATOEBA_LINKS = "tatoeba_links"
    TATOEBA_INDICES = "tatoeba_indices"
    TATOEBA_AUDIO = "tatoeba_audio"
    TATOEBA_PAIRS = "tatoeba_pairs"
    ANKI_PACKAGE = "anki_package"
    TABLE = "table"
    TABLE_MEDIA = "table_media"


REQUIRED: Mapping[ImportKind, FileRole] = MappingProxyType(
    {
        ImportKind.TATOEBA: FileRole.TATOEBA_SENTENCES,
        ImportKind.TATOEBA_PAIRS: FileRole.TATOEBA_PAIRS,
        ImportKind.ANKI_PACKAGE: FileRole.ANKI_PACKAGE,
        ImportKind.TABLE: FileRole.TABLE,
    }
)
"""The file that an import of a kind can't do without; it has the entries."""
ROLES: Mapping[ImportKind, frozenset[FileRole]] = MappingProxyType(
    {
        ImportKind.TATOEBA: frozenset(role for role in FileRole if role.value.startswith("tatoeba")),
        ImportKind.TATOEBA_PAIRS: frozenset({FileRole.TATOEBA_PAIRS}),
        ImportKind.ANKI_PACKAGE: frozenset({FileRole.ANKI_PACKAGE}),
        ImportKind.TABLE: frozenset({FileRole.TABLE, FileRole.TABLE_MEDIA}),
    }
)
"""The files that an import of a kind may have."""


class ImportState(StrEnum):
    """How far an import is."""

    AWAITING_FILES = "awaiting_files"
    READY = "ready"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class ImportField(StrEnum):
    """What a field or column holds."""

    IGNORED = "ignored"
    JAPANESE = "japanese"
    ENGLISH = "english"
    READING = "reading"
    AUDIO = "audio"
    TAGS = "tags"
    DIFFICULTY = "difficulty"
    JLPT_LEVEL = "jlpt_level"
    SOURCE_ID = "source_id"
    AUTHOR = "author"
    LICENCE = "licence"


class CardSkill(StrEnum):
    """The skill that an imported card trains."""

    READING = "reading"
    LISTENING = "listening"
    SPEAKING = "speaking"


class Outcome(StrEnum):
    """What an import does with an entry."""

    ADDED = "added"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    SKIPPED = "skipped"


class ProblemKind(StrEnum):
    """What can be wrong with a file or an entry."""

    WRONG_FORMAT = "wrong_format"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    UNPACKS_TOO_LARGE = "unpacks_too_large"
    TOO_MANY_ENTRIES = "too_many_entries"
    ENCRYPTED = "encrypted"
    UNSAFE_NAME = "unsafe_name"
    WRONG_ENCODING = "wrong_encoding"
    BAD_DATABASE = "bad_database"
    UNKNOWN_VERSION = "unknown_version"
    BAD_ROW = "bad_row"
    NO_JAPANESE = "no_japanese"
    FIELD_TOO_LONG = "field_too_long"
    BAD_VALUE = "bad_value"
    MEDIA_MISSING = "media_missing"
    MEDIA_UNREADABLE = "media_unreadable"
    MEDIA_NOT_LICENSED = "media_not_licensed"
    READING_MISFIT = "reading_misfit"
    BAD_SCHEDULE = "bad_schedule"
    JOB_FAILED = "job_failed"


@dataclass(frozen=True, slots=True)
class TatoebaOptions:
    """Options of the two Tatoeba kinds."""

    skip_without_english: bool = False
    max_character_count: int = 0


@dataclass(frozen=True, slots=True)
class NoteTypeMapping:
    """How the notes of one Anki note type become sentences and cards.

    Attributes:
        name, note_count: what the package says.
        fields: what they hold, by name.
        templates: (number, name, whether it is left out, skill or None for the guess).
    """

    id: int
    name: str = ""
    note_count: int = 0
    skip: bool = False
    fields: tuple[tuple[str, ImportField], ...] = ()
    templates: tuple[tuple[int, str, bool, CardSkill | None], ...] = ()


@dataclass(frozen=True, slots=True)
class AnkiOptions:
    """Options of Anki packages."""

    note_types: tuple[NoteTypeMapping, ...] = ()
    deck_names: tuple[str, ...] = ()
    tag_with_deck_names: bool = False
    skip_scheduling: bool = False
    skip_media: bool = False
    skip_cards: bool = False


@dataclass(frozen=True, slots=True)
class TableOptions:
    """Options of tables; what is empty or None is guessed.

    Attributes:
        columns: (number, name, field).
    """

    encoding: str = ""
    delimiter: str = ""
    has_header: bool | None = None
    columns: tuple[tuple[int, str, ImportField], ...] = ()
    tag_separator: str = ""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How files are read and where the sentences go. Of the last three, only the kind's own may be set."""

    visibility: Visibility
    tags_to_add: tuple[str, ...] = ()
    author: str = ""
    licence: str = ""
    skip_analysis: bool = False
    tatoeba: TatoebaOptions | None = None
    anki: AnkiOptions | None = None
    table: TableOptions | None = None


@dataclass(frozen=True, slots=True)
class ImportLimits:
    """What an import may not pass."""

    max_chunk_bytes: int = 1 << 20
    max_file_bytes: int = 2 << 30
    max_unpacked_bytes: int = 8 << 30
    max_entry_count: int = 2_000_000
    max_field_bytes: int = 1 << 20
    max_upload_idle: timedelta = timedelta(seconds=30)


LIMITS = ImportLimits()
"""The limits of every import."""


@dataclass(frozen=True, slots=True)
class ImportFile:
    """A file of an import.

    Attributes:
        upload_id: names this upload of it; another one begins when the file is begun anew.
        file_name: shown, never used as a path.
        sha256: hexadecimal; empty until it is complete.
    """

    role: FileRole
    upload_id: str
    file_name: str
    size_bytes: int
    received_bytes: int = 0
    sha256: str = ""

    @property
    def complete(self) -> bool:
        """Whether all of it is there and was checked."""
        return bool(self.sha256)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many entries of one kind had which fate."""

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    duplicate: int = 0
    refused: int = 0
    skipped: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.added + other.added,
            self.updated + other.updated,
            self.unchanged + other.unchanged,
            self.duplicate + other.duplicate,
            self.refused + other.refused,
            self.skipped + other.skipped,
        )

    def with_one(self, outcome: Outcome) -> Counts:
        """One more of an outcome."""
        return replace(self, **{outcome.value: getattr(self, outcome.value) + 1})


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a file or an entry.

    Attributes:
        row: from 1; 0: not with a row.
        fatal: whether nothing of the import can be used because of it.
    """

    kind: ProblemKind
    role: FileRole
    description: str
    row: int = 0
    entry: str = ""
    field: str = ""
    fatal: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """What became of an import's entries."""

    sentences: Counts = Counts()
    cards: Counts = Counts()
    reviews: Counts = Counts()
    media: Counts = Counts()
    problems: tuple[Problem, ...] = ()
    problem_count: int = 0

    def and_(self, other: Report) -> Report:
        """Two reports of different entries as one."""
        return Report(
            self.sentences + other.sentences,
            self.cards + other.cards,
            self.reviews + other.reviews,
            self.media + other.media,
            (*self.problems, *other.problems)[:MOST_PROBLEMS],
            self.problem_count + other.problem_count,
        )


@dataclass(frozen=True, slots=True)
class Import:
    """An import.

    Attributes:
        position, media_position: how many of the files' entries are stored, and have their recordings stored; a run
            goes on there.
        report: None until it has run.
        failure: exactly when it has failed.
    """

    id: ImportId
    owner_id: UserId
    kind: ImportKind
    state: ImportState
    options: ImportOptions
    created_at: datetime
    updated_at: datetime
    files: tuple[ImportFile, ...] = ()
    job_id: str | None = None
    position: int = 0
    media_position: int = 0
    report: Report | None = None
    failure: Problem | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None

    def file(self, role: FileRole) -> ImportFile | None:
        """The file of a role, as far as there is one."""
        return next((file for file in self.files if file.role is role), None)

    def missing(self) -> FileRole | None:
        """The first file that is needed and not whole: the required one, or one that was begun."""
        required = self.file(REQUIRED[self.kind])
        if required is None or not required.complete:
            return REQUIRED[self.kind]
        return next((file.role for file in self.files if not file.complete), None)


def check_options(kind: ImportKind, options: ImportOptions, path: str = "options") -> None:
    """Refuses the options of another kind.

    Raises:
        InvalidInput: INVALID_FIELD, IMPORT_MAPPING_INVALID when a mapping names no Japanese.
    """
    own = {
        ImportKind.TATOEBA: "tatoeba",
        ImportKind.TATOEBA_PAIRS: "tatoeba",
        ImportKind.ANKI_PACKAGE: "anki",
        ImportKind.TABLE: "table",
    }[kind]
    for name in ("tatoeba", "anki", "table"):
        if name != own and getattr(options, name) is not None:
            raise InvalidInput(f"{path}.{name}", f"is not for imports of the kind {kind.value}")
    if options.table is not None and options.table.columns:
        numbers = [number for number, _, _ in options.table.columns]
        if len(set(numbers)) < len(numbers):
            raise mapping_invalid(f"{path}.table.columns", "a column is named twice")
        if ImportField.JAPANESE not in [field for _, _, field in options.table.columns]:
            raise mapping_invalid(f"{path}.table.columns", "no column is the Japanese")
    for index, note_type in enumerate(options.anki.note_types if options.anki is not None else ()):
        named = [field for _, field in note_type.fields]
        if named and not note_type.skip and ImportField.JAPANESE not in named:
            raise mapping_invalid(f"{path}.anki.note_types[{index}].fields", "no field is the Japanese")


def mapping_invalid(field: str, problem: str) -> InvalidInput:
    """What a caller is told whose mapping does not fit."""
    return InvalidInput(field, problem, reason=Reason.IMPORT_MAPPING_INVALID, metadata={"problem": problem})


def import_not_found(import_id: ImportId) -> NotFound:
    """What a caller is told who names an import that is not theirs or not there."""
    return NotFound(Reason.IMPORT_NOT_FOUND, f"You have no import {import_id}.", metadata={"import_id": import_id})


def wrong_state(found: Import) -> FailedPrecondition:
    """What a caller is told when an import's state does not allow the call."""
    return FailedPrecondition(
        Reason.IMPORT_WRONG_STATE,
        f"The import is {found.state.value.replace('_', ' ')}.",
        metadata={"import_id": found.id, "state": f"IMPORT_STATE_{found.state.name}"},
    )


def files_missing(found: Import, role: FileRole) -> FailedPrecondition:
    """What a caller is told when a file is not there, or not whole."""
    return FailedPrecondition(
        Reason.IMPORT_FILES_MISSING,
        f"The file {role.name} is not there, or not whole.",
        metadata={"import_id": found.id, "role": f"IMPORT_FILE_ROLE_{role.name}"},
    )


def file_refused(import_id: ImportId, problem: Problem) -> FailedPrecondition:
    """What a caller is told when a file can't be used at all."""
    return FailedPrecondition(
        Reason.IMPORT_FILE_REFUSED,
        problem.description,
        metadata={
            "import_id": import_id,
            "role": f"IMPORT_FILE_ROLE_{problem.role.name}",
            "problem": f"IMPORT_PROBLEM_KIND_{problem.kind.name}",
            "entry": problem.entry,
        },
    )
