"""PreviewImport: what importing would do. Changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

from server.content.domain.entries import SOURCE_OF, Entry, Fate, LeftOut, settle
from server.content.domain.furigana import FuriganaSpan
from server.content.domain.imports import (
    LIMITS,
    REQUIRED,
    AnkiOptions,
    Import,
    ImportField,
    ImportId,
    ImportLimits,
    ImportOptions,
    ImportState,
    Outcome,
    Problem,
    TableOptions,
    check_options,
    file_refused,
    files_missing,
    import_not_found,
    mapping_invalid,
    wrong_state,
)
from server.content.domain.sentence import Visibility
from server.content.domain.source_readings import spans_of_index, spans_of_ruby
from server.content.import_files import on_disk
from server.content.import_options import cleaned
from server.content.ports.imports import (
    Head,
    ImportReader,
    ImportRefused,
    MappingRefused,
    UnitOfWorkFactory,
    UploadStore,
)
from server.errors import InvalidInput
from server.kernel.identity import Caller

DEFAULT_ROWS = 20
_MOST_PROBLEMS = 100
_LOOKED_AT = 5_000
"""Entries that are looked at in time; the counts of the head cover all."""
_CLOSED = frozenset({ImportState.SUCCEEDED, ImportState.EXPIRED, ImportState.QUEUED, ImportState.RUNNING})


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One entry as an import would take it.

    Attributes:
        entry: as it would be stored; None: it is left out.
        furigana: what the source gives readings for.
    """

    row: int
    outcome: Outcome
    entry: Entry | None = None
    furigana: tuple[FuriganaSpan, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do.

    Attributes:
        options: with everything that was guessed filled in.
        exhaustive: whether the problems cover the whole of the files.
    """

    options: ImportOptions
    head: Head
    rows: tuple[PreviewRow, ...]
    problems: tuple[Problem, ...]
    problem_count: int
    exhaustive: bool


class PreviewImport:
    """Looks at imports.

    Args:
        unit_of_work: opens a transaction.
        store: where the files are.
        reader: reads them.
        limits: what they may not pass.
        longest: how long it may take.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        store: UploadStore,
        reader: ImportReader,
        limits: ImportLimits = LIMITS,
        longest: timedelta = timedelta(seconds=25),
    ) -> None:
        self._unit_of_work = unit_of_work
        self._store = store
        self._reader = reader
        self._limits = limits
        self._longest = longest

    async def __call__(
        self, caller: Caller, import_id: ImportId, options: ImportOptions | None, row_count: int
    ) -> Preview:
        """What importing would do.

        Args:
            options: to try in place of the import's own.
            row_count: how many rows to show; 0: the default.

        Raises:
            NotFound: IMPORT_NOT_FOUND.
            FailedPrecondition: IMPORT_WRONG_STATE, IMPORT_FILES_MISSING, IMPORT_FILE_REFUSED.
            InvalidInput: INVALID_FIELD, IMPORT_MAPPING_INVALID.
        """
        async with self._unit_of_work() as uow:
            found = await uow.imports.get(import_id, caller.user_id)
        if found is None:
            raise import_not_found(import_id)
        if found.state in _CLOSED:
            raise wrong_state(found)
        settled = found.options if options is None else cleaned(options)
        if settled.visibility is not found.options.visibility:
            raise InvalidInput("options.visibility", "can't be changed")
        check_options(found.kind, settled)
        if (missing := found.missing()) is not None:
            raise files_missing(found, missing)
        try:
            return await self._look(found, settled, row_count or DEFAULT_ROWS)
        except MappingRefused as refused:
            raise mapping_invalid(f"options.{refused.field}", refused.problem) from refused
        except ImportRefused as refused:
            raise file_refused(found.id, refused.problem) from refused

    async def _look(self, found: Import, options: ImportOptions, row_count: int) -> Preview:
        pending: list[PreviewRow] = []
        problems: list[Problem] = []
        count = seen = 0
        exhaustive = False
        async with (
            on_disk(found, self._unit_of_work, self._store) as files,
            self._reader.read(found.kind, files, options, self._limits, most=_LOOKED_AT) as (head, entries),
        ):
            limit = asyncio.timeout(self._longest.total_seconds())
            try:
                async with limit:
                    async for entry in entries:
                        seen += 1
                        row = _row(found, options, entry)
                        count += len(row.problems)
                        problems += row.problems[: _MOST_PROBLEMS - len(problems)]
                        if len(pending) < row_count:
                            pending.append(row)
                    exhaustive = seen >= head.entries
            except TimeoutError:
                if not limit.expired():
                    raise
        shown = await self._with_fates(found, options, pending)
        return Preview(filled(options, head), head, tuple(shown), tuple(problems), count, exhaustive)

    async def _with_fates(self, found: Import, options: ImportOptions, rows: list[PreviewRow]) -> list[PreviewRow]:
        entries = [row.entry for row in rows if row.entry is not None]
        owner_id = found.owner_id if options.visibility is Visibility.PRIVATE else None
        async with self._unit_of_work() as uow:
            fates = iter(
                await uow.imported_sentences.fates(
                    found.kind.value,
                    SOURCE_OF[found.kind],
                    owner_id,
                    entries,
                    analysed=not options.skip_analysis,
                )
            )
        none = Fate(Outcome.REFUSED)
        return [row if row.entry is None else replace(row, outcome=next(fates, none).outcome) for row in rows]


def _row(found: Import, options: ImportOptions, entry: Entry | LeftOut) -> PreviewRow:
    if isinstance(entry, Entry):
        settled = settle(entry, found.kind, REQUIRED[found.kind], options)
        if isinstance(settled, Entry):
            spans, _ = spans_of_ruby(settled.japanese, settled.ruby)
            if settled.index:
                spans, _ = spans_of_index(settled.japanese, settled.index)
            return PreviewRow(entry.row, Outcome.ADDED, settled, spans, settled.problems)
        entry = settled
    return PreviewRow(entry.row, entry.outcome, problems=() if entry.problem is None else (entry.problem,))


def filled(options: ImportOptions, head: Head) -> ImportOptions:
    """Options with everything that was guessed filled in."""
    if head.table is not None:
        table = options.table or TableOptions()
        columns = head.table["columns"]
        given = dict(columns) if isinstance(columns, dict) else {}
        return replace(
            options,
            table=replace(
                table,
                encoding=str(head.table["encoding"]),
                delimiter=str(head.table["delimiter"]),
                has_header=bool(head.table["has_header"]),
                columns=tuple(
                    (number, head.columns[number] if number < len(head.columns) else "", ImportField(field))
                    for number, field in sorted((int(key), value) for key, value in given.items())
                ),
            ),
        )
    if head.note_types:
        return replace(options, anki=replace(options.anki or AnkiOptions(), note_types=head.note_types))
    return options
