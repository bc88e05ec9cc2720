"""Reads the files of imports in a limited process each, and turns its records into entries."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.content.domain.entries import Entry, LeftOut, ScheduledCard
from server.content.domain.furigana import FuriganaSpan
from server.content.domain.imports import (
    REQUIRED,
    CardSkill,
    FileRole,
    ImportField,
    ImportKind,
    ImportLimits,
    ImportOptions,
    NoteTypeMapping,
    Outcome,
    Problem,
    ProblemKind,
)
from server.content.domain.sentence import Translation
from server.content.ports.imports import Collection, Head, ImportRefused, MappingRefused

_log = logging.getLogger(__name__)

_ROOT = str(Path(__file__).parents[3])
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); import os; "
    "from server.adapters.imports.child import main; os._exit(main())"
)
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "LC_ALL": "C.UTF-8"}
_LONGEST_LINE = 64 << 20
_MOST_MEDIA_BYTES = 20 << 20


@dataclass(frozen=True, slots=True)
class ReaderLimits:
    """What a process may use.

    Attributes:
        memory_bytes: address space.
        cpu_seconds: of processor time.
    """

    memory_bytes: int = 480 << 20
    cpu_seconds: int = 1800


class ProcessImportReader:
    """An `ImportReader`.

    Args:
        limits: of each process.
    """

    def __init__(self, limits: ReaderLimits | None = None) -> None:
        self._limits = limits or ReaderLimits()

    @asynccontextmanager
    async def read(
        self,
        kind: ImportKind,
        files: Mapping[FileRole, Path],
        options: ImportOptions,
        limits: ImportLimits,
        *,
        most: int | None = None,
    ) -> AsyncIterator[tuple[Head, AsyncIterator[Entry | LeftOut]]]:
        """The entries of files, after what there is to say before them.

        Raises:
            ImportRefused, MappingRefused: here or when an entry is asked for.
        """
        role = REQUIRED[kind]
        async with self._process(kind, files, _options(kind, options), limits, most=most) as output:
            record = await _record(output, role)
            if record is None or record.get("t") != "head":
                raise _damaged(role)
            yield _head(record), _entries(output, role)

    @asynccontextmanager
    async def media(
        self, kind: ImportKind, files: Mapping[FileRole, Path], members: Sequence[str], limits: ImportLimits
    ) -> AsyncIterator[AsyncIterator[tuple[str, bytes | None]]]:
        """Members of an archive with their bytes; None in the place of one that is too large.

        Raises:
            ImportRefused: here or when one is asked for.
        """
        role = FileRole.TABLE_MEDIA if kind is ImportKind.TABLE else REQUIRED[kind]
        async with self._process(kind, files, {}, limits, media=list(members)) as output:
            yield _media(output, role)

    @asynccontextmanager
    async def _process(
        self,
        kind: ImportKind,
        files: Mapping[FileRole, Path],
        options: Mapping[str, Any],
        limits: ImportLimits,
        *,
        most: int | None = None,
        media: list[str] | None = None,
    ) -> AsyncIterator[asyncio.StreamReader]:
        with tempfile.TemporaryDirectory(prefix="kaiwa-reading-") as folder:
            job = {
                "parent": os.getpid(),
                "kind": kind.value,
                "files": {role.value: str(path) for role, path in files.items()},
                "folder": folder,
                "options": options,
                "limits": {
                    "unpacked_bytes": limits.max_unpacked_bytes,
                    "field_bytes": limits.max_field_bytes,
                    "entries": limits.max_entry_count,
                },
                "memory_bytes": self._limits.memory_bytes,
                "cpu_seconds": self._limits.cpu_seconds,
                "most": most,
                "media": media,
                "media_bytes": _MOST_MEDIA_BYTES,
            }
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-I",
                "-B",
                "-c",
                _PROGRAM,
                _ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                env=_ENVIRONMENT,
                cwd="/",
                start_new_session=True,
                limit=_LONGEST_LINE,
            )
            if process.stdin is None or process.stdout is None:
                raise RuntimeError("the process has no pipes")
            try:
                with suppress(BrokenPipeError, ConnectionResetError):
                    process.stdin.write(json.dumps(job).encode() + b"\n")
                    await process.stdin.drain()
                    process.stdin.close()
                yield process.stdout
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(asyncio.create_task(_ended(process)))


async def _ended(process: asyncio.subprocess.Process) -> None:
    # Its end is only seen when everything that it wrote has been read.
    if process.stdout is not None:
        while await process.stdout.read(1 << 18):
            pass
    await process.wait()


async def _record(output: asyncio.StreamReader, role: FileRole) -> dict[str, Any] | None:
    """The next record; None at the end.

    Raises:
        ImportRefused, MappingRefused: the process says so, or it ended without a word.
    """
    try:
        line = await output.readline()
        record = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        record = None
    if not isinstance(record, dict):
        # It was ended by a limit: of memory that C code ran into, or of time.
        raise ImportRefused(
            Problem(ProblemKind.UNPACKS_TOO_LARGE, role, "Reading it takes more than it may.", fatal=True)
        )
    if record.get("t") == "end":
        return None
    if record.get("t") == "fatal":
        if record["kind"] == "mapping":
            group = "table" if role is FileRole.TABLE else "anki"
            raise MappingRefused(f"{group}.{record['entry']}", record["description"])
        raise ImportRefused(
            Problem(ProblemKind(record["kind"]), role, record["description"], entry=record["entry"], fatal=True)
        )
    return record


async def _entries(output: asyncio.StreamReader, role: FileRole) -> AsyncIterator[Entry | LeftOut]:
    while (record := await _record(output, role)) is not None:
        if record["t"] == "entry":
            yield _entry(record, role)
        elif record["t"] == "skipped":
            yield LeftOut(record["row"], Outcome.SKIPPED)
        else:
            problem = Problem(ProblemKind(record["kind"]), role, record["description"], record["row"], record["entry"])
            yield LeftOut(record["row"], Outcome.REFUSED, problem)


async def _media(output: asyncio.StreamReader, role: FileRole) -> AsyncIterator[tuple[str, bytes | None]]:
    while (record := await _record(output, role)) is not None:
        size = record["size"]
        try:
            data = await output.readexactly(size) if size >= 0 else None
        except asyncio.IncompleteReadError as error:
            raise _damaged(role) from error
        yield record["member"], data


def _damaged(role: FileRole) -> ImportRefused:
    return ImportRefused(Problem(ProblemKind.DAMAGED, role, "The file can't be read.", fatal=True))


def _options(kind: ImportKind, options: ImportOptions) -> dict[str, Any]:
    if kind is ImportKind.TABLE and options.table is not None:
        table = options.table
        return {
            "encoding": table.encoding,
            "delimiter": table.delimiter,
            "has_header": table.has_header,
            "columns": {str(number): field.value for number, _, field in table.columns},
            "tag_separator": table.tag_separator,
        }
    if kind is ImportKind.ANKI_PACKAGE and options.anki is not None:
        anki = options.anki
        return {
            "decks": list(anki.deck_names),
            "tag_with_decks": anki.tag_with_deck_names,
            "skip_scheduling": anki.skip_scheduling,
            "note_types": {
                str(each.id): {
                    "skip": each.skip,
                    "fields": {name: field.value for name, field in each.fields},
                    "templates": {
                        str(number): "skip" if skip or skill is None else skill.value
                        for number, _, skip, skill in each.templates
                        if skip or skill is not None
                    },
                }
                for each in anki.note_types
            },
        }
    return {}


def _head(record: Mapping[str, Any]) -> Head:
    return Head(
        entries=record["entries"],
        cards=record.get("cards", 0),
        reviews=record.get("reviews", 0),
        media=record.get("media", 0),
        columns=tuple(record.get("columns", ())),
        table=record.get("options"),
        note_types=tuple(_note_type(each) for each in record.get("note_types", ())),
        decks=tuple(record.get("decks", ())),
        collection=Collection(record.get("created", 0), record.get("rollover", 4)),
    )


def _note_type(record: Mapping[str, Any]) -> NoteTypeMapping:
    return NoteTypeMapping(
        id=record["id"],
        name=record["name"],
        note_count=record["count"],
        skip=record["skip"],
        fields=tuple((name, ImportField(field)) for name, field in record["fields"]),
        templates=tuple(
            (number, name, skill == "skip", None if skill == "skip" else CardSkill(skill))
            for number, name, skill in record["templates"]
        ),
    )


def _entry(record: Mapping[str, Any], role: FileRole) -> Entry:
    source_id = record.get("source_id", "")
    return Entry(
        row=record["row"],
        source_id=source_id,
        japanese=record["japanese"],
        raw=tuple(record.get("raw", ())),
        translations=tuple(Translation(**each) for each in record.get("translations", ())),
        reading=record.get("reading", ""),
        ruby=tuple(FuriganaSpan(*each) for each in record.get("ruby", ())),
        index=record.get("index", ""),
        tags=tuple(record.get("tags", ())),
        author=record.get("author", ""),
        licence=record.get("licence", ""),
        difficulty=record.get("difficulty"),
        jlpt=record.get("jlpt"),
        audio=record.get("audio", ""),
        audio_member=record.get("audio_member") or "",
        remote_audio_licence=record.get("remote_audio_licence"),
        note_type=record.get("note_type", 0),
        cards=tuple(
            ScheduledCard(
                card["template"],
                card["skill"],
                card.get("schedule"),
                tuple(tuple(review) for review in card.get("reviews", ())),
            )
            for card in record.get("cards", ())
            if card["skill"] != "skip"
        ),
        problems=tuple(
            Problem(ProblemKind(each["kind"]), role, each["description"], record["row"], source_id[:200], each["field"])
            for each in record.get("problems", ())
        ),
    )
