"""Runs an import. Not an RPC: a worker does it.

Entries come in the files' order, which is always the same. They are stored in batches, each in one transaction with
what became of it and with how many entries are done: so a run that was cancelled or died goes on where it was, and
nothing is stored or counted twice. While one batch is stored the next one is analysed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Generic

from server.content.domain.entries import SOURCE_OF, Entry, Fate, LeftOut, ReadSentence, settle
from server.content.domain.imports import (
    LIMITS,
    REQUIRED,
    Counts,
    FileRole,
    Import,
    ImportId,
    ImportKind,
    ImportLimits,
    ImportState,
    Outcome,
    Problem,
    ProblemKind,
    Report,
    file_refused,
    import_not_found,
    mapping_invalid,
)
from server.content.domain.sentence import SentenceId, Visibility
from server.content.import_files import on_disk
from server.content.ports.imports import (
    BatchAnalyser,
    Head,
    ImportedCard,
    ImportedRecording,
    ImportReader,
    ImportRefused,
    ImportRun,
    MappingRefused,
    RecordingMaker,
    U,
    UploadStore,
)
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import UserId

BATCH = 2_000
"""Entries that are stored together."""
_AHEAD = 2
"""Batches that are prepared while one is stored."""
RECORDINGS = "recordings/"
"""What the keys of imported recordings begin with."""
_MEDIA_AT_ONCE = 12
_PRIVATE = "private copy"
"""The licence of recordings in one's own space whose source names none: nobody else hears them."""


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A batch that can be stored.

    Attributes:
        end: how many entries are done with it.
        kept: whether it is to be stored; if not, it was, but for its recordings.
        entries: each with its fate, the id of its sentence if it has or gets one, and what analysis gave.
        report: what is known of it already: what was left out.
    """

    end: int
    kept: bool
    entries: Sequence[tuple[Entry, Fate, SentenceId | None, ReadSentence | None]]
    report: Report


class RunImport(Generic[U]):
    """Runs imports.

    Args:
        unit_of_work: opens transactions.
        store: where the files are, and recordings go.
        reader: reads the files.
        analyser: reads the sentences.
        recordings: makes recordings.
        clock: tells the time.
        ids: makes ids.
        limits: what the files may not pass.
    """

    def __init__(
        self,
        unit_of_work: Callable[[], U],
        store: UploadStore,
        reader: ImportReader,
        analyser: BatchAnalyser,
        recordings: RecordingMaker,
        clock: Clock,
        ids: IdSource,
        limits: ImportLimits = LIMITS,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._store = store
        self._reader = reader
        self._analyser = analyser
        self._recordings = recordings
        self._clock = clock
        self._ids = ids
        self._limits = limits
        # Each takes a connection.
        self._one_by_one = asyncio.Semaphore(1)

    async def __call__(self, run: ImportRun[U]) -> Callable[[U], Awaitable[None]]:
        """Imports.

        Returns:
            The last part, which is stored together with the job's end.

        Raises:
            NotFound: IMPORT_NOT_FOUND.
            FailedPrecondition: IMPORT_FILE_REFUSED; the import says why.
            InvalidInput: IMPORT_MAPPING_INVALID.
        """
        found = await run.step(lambda uow: self._begin(uow, run.import_id), 0)
        try:
            async with on_disk(found, self._unit_of_work, self._store) as files:
                await self._import(run, found, files)
        except ImportRefused as refused:
            await self._fail(run, refused.problem)
            raise file_refused(found.id, refused.problem) from refused
        except MappingRefused as refused:
            problem = Problem(ProblemKind.WRONG_FORMAT, REQUIRED[found.kind], refused.problem, fatal=True)
            await self._fail(run, problem)
            raise mapping_invalid(f"options.{refused.field}", refused.problem) from refused
        return lambda uow: self._succeed(uow, run.import_id)

    async def _begin(self, uow: U, import_id: ImportId) -> Import:
        found = await self._locked(uow, import_id)
        now = self._clock.now()
        begun = replace(
            found,
            state=ImportState.RUNNING,
            started_at=now,
            finished_at=None,
            report=found.report or Report(),
            failure=None,
            updated_at=now,
        )
        await uow.imports.save(begun)
        return begun

    async def _fail(self, run: ImportRun[U], problem: Problem) -> None:
        async def save(uow: U) -> None:
            found = await self._locked(uow, run.import_id)
            now = self._clock.now()
            failed = replace(
                found, state=ImportState.FAILED, failure=replace(problem, fatal=True), finished_at=now, updated_at=now
            )
            await uow.imports.save(failed)

        await run.step(save, 0)

    async def _succeed(self, uow: U, import_id: ImportId) -> None:
        found = await self._locked(uow, import_id)
        now = self._clock.now()
        await uow.imports.save(replace(found, state=ImportState.SUCCEEDED, finished_at=now, updated_at=now))
        await uow.imports.drop_parts(import_id)

    async def _locked(self, uow: U, import_id: ImportId) -> Import:
        found = await uow.imports.lock(import_id, None)
        if found is None:
            raise import_not_found(import_id)
        return found

    async def _import(self, run: ImportRun[U], found: Import, files: Mapping[FileRole, Path]) -> None:
        if found.position == 0 and found.kind is ImportKind.ANKI_PACKAGE:
            # All of it is read once before anything is kept: nothing of a file that is refused is. The other parsers
            # have read their files to the end before they give the first entry.
            run.report(0, None, "import.checking")
            await self._check(found, files)
        async with self._reader.read(found.kind, files, found.options, self._limits) as (head, entries):
            total = head.entries
            run.report(found.position, total, "import.sentences")
            ready: asyncio.Queue[_Prepared | None] = asyncio.Queue(_AHEAD)
            preparing = asyncio.create_task(self._prepare_all(found, entries, ready))
            try:
                while (batch := await _next(ready, preparing)) is not None:
                    if batch.kept:
                        await run.step(partial(self._keep, found=found, head=head, batch=batch), batch.end)
                    run.report(batch.end, total, "import.sentences")
                    if batch.end > found.media_position and _with_recordings(batch):
                        await self._record(run, found, files, batch)
                await preparing
            finally:
                preparing.cancel()
                with suppress(asyncio.CancelledError, ImportRefused, MappingRefused):
                    await preparing

    async def _check(self, found: Import, files: Mapping[FileRole, Path]) -> None:
        async with self._reader.read(found.kind, files, found.options, self._limits) as (_, entries):
            async for _ in entries:
                pass

    async def _prepare_all(
        self, found: Import, entries: AsyncIterator[Entry | LeftOut], ready: asyncio.Queue[_Prepared | None]
    ) -> None:
        number = 0
        held: list[Entry | LeftOut] = []
        async for entry in entries:
            number += 1
            # Sentences may be done whose recordings are not.
            if number <= found.position and number <= found.media_position:
                continue
            held.append(entry)
            if len(held) >= BATCH or number == found.position:
                await ready.put(await self._prepare(found, held, number))
                held = []
        if held:
            await ready.put(await self._prepare(found, held, number))
        await ready.put(None)

    async def _prepare(self, found: Import, batch: Sequence[Entry | LeftOut], end: int) -> _Prepared:
        report = Report()
        kept: list[Entry] = []
        for each in batch:
            settled = settle(each, found.kind, REQUIRED[found.kind], found.options) if isinstance(each, Entry) else each
            if isinstance(settled, Entry):
                kept.append(settled)
                report = report.and_(Report(problems=settled.problems, problem_count=len(settled.problems)))
            else:
                problems = () if settled.problem is None else (settled.problem,)
                counts = Counts().with_one(settled.outcome)
                report = report.and_(Report(sentences=counts, problems=problems, problem_count=len(problems)))
        async with self._unit_of_work() as uow:
            fates = await uow.imported_sentences.fates(
                found.kind.value,
                SOURCE_OF[found.kind],
                _space(found),
                kept,
                analysed=not found.options.skip_analysis,
            )
        changed = [
            (entry, fate)
            for entry, fate in zip(kept, fates, strict=True)
            if fate.outcome in (Outcome.ADDED, Outcome.UPDATED)
        ]
        read: Sequence[ReadSentence] = ()
        if not found.options.skip_analysis and changed:
            read = await self._analyser.read([entry for entry, _ in changed])
        found_out = iter(read)
        ids: dict[str, SentenceId] = {}
        entries: list[tuple[Entry, Fate, SentenceId | None, ReadSentence | None]] = []
        for entry, fate in zip(kept, fates, strict=True):
            own = fate.sentence_id
            if fate.outcome is Outcome.ADDED:
                own = SentenceId(self._ids.new_id())
                ids[entry.japanese] = own
            elif own is None:
                own = ids.get(entry.japanese)
            got = next(found_out, None) if fate.outcome in (Outcome.ADDED, Outcome.UPDATED) else None
            if got is not None and got.misfit:
                problem = Problem(
                    ProblemKind.READING_MISFIT,
                    FileRole.TATOEBA_INDICES if entry.index else REQUIRED[found.kind],
                    "A reading of the source does not fit the sentence.",
                    entry.row,
                    entry.source_id[:200],
                    "reading",
                )
                report = report.and_(Report(problems=(problem,), problem_count=1))
            entries.append((entry, fate, own, got))
        return _Prepared(end, end > found.position, entries, report)

    async def _keep(self, uow: U, *, found: Import, head: Head, batch: _Prepared) -> None:
        """Stores a batch with what became of it."""
        now = self._clock.now()
        changed = [
            (sentence_id, fate.outcome is Outcome.ADDED, entry, read)
            for entry, fate, sentence_id, read in batch.entries
            if sentence_id is not None and fate.outcome in (Outcome.ADDED, Outcome.UPDATED)
        ]
        stored: frozenset[SentenceId] = frozenset()
        if changed:
            stored = await uow.imported_sentences.store(
                found.kind.value, SOURCE_OF[found.kind], _space(found), changed, now
            )
        counts = Counts()
        cards: list[ImportedCard] = []
        skips_cards = found.options.anki is not None and found.options.anki.skip_cards
        for entry, fate, sentence_id, _ in batch.entries:
            outcome = fate.outcome
            if outcome in (Outcome.ADDED, Outcome.UPDATED) and sentence_id not in stored:
                # Somebody else stored the same meanwhile.
                outcome, sentence_id = Outcome.DUPLICATE, None
            counts = counts.with_one(outcome)
            if sentence_id is None:
                continue
            if not skips_cards:
                cards += (ImportedCard(entry.source_id, sentence_id, card) for card in entry.cards)
        report = batch.report.and_(Report(sentences=counts))
        if cards:
            taken = await uow.imported_scheduling.take_over(found.owner_id, cards, head.collection, now)
            bad = tuple(
                Problem(ProblemKind.BAD_SCHEDULE, REQUIRED[found.kind], what, entry=guid[:200])
                for guid, what in taken.bad
            )
            report = report.and_(Report(cards=taken.cards, reviews=taken.reviews, problems=bad, problem_count=len(bad)))
        media_end = 0 if _with_recordings(batch) else batch.end
        await self._count(uow, found.id, report, batch.end, media_end)

    async def _count(self, uow: U, import_id: ImportId, report: Report, end: int, media_end: int) -> None:
        current = await self._locked(uow, import_id)
        await uow.imports.save(
            replace(
                current,
                report=(current.report or Report()).and_(report),
                position=max(current.position, end),
                media_position=max(current.media_position, media_end),
            )
        )

    async def _record(self, run: ImportRun[U], found: Import, files: Mapping[FileRole, Path], batch: _Prepared) -> None:
        """Stores the recordings of a batch; each is stored once, however often this is done."""
        done = batch.end
        counts = Counts()
        problems: list[Problem] = []

        def problem(kind: ProblemKind, entry: Entry, what: str) -> None:
            problems.append(
                Problem(kind, _role(found), what, entry.row, (entry.audio or entry.source_id)[:200], "audio")
            )

        here: dict[str, list[tuple[Entry, SentenceId]]] = {}
        for entry, _, sentence_id, _ in batch.entries:
            if sentence_id is None or not _has_recording(entry):
                continue
            licence = entry.licence or entry.remote_audio_licence or ""
            if found.options.anki is not None and found.options.anki.skip_media:
                counts = counts.with_one(Outcome.SKIPPED)
            elif entry.remote_audio_licence == "" or (_space(found) is None and not licence):
                counts = counts.with_one(Outcome.REFUSED)
                problem(ProblemKind.MEDIA_NOT_LICENSED, entry, "The recording has no licence to be used again.")
            elif not entry.audio_member:
                counts = counts.with_one(Outcome.REFUSED)
                problem(ProblemKind.MEDIA_MISSING, entry, "The recording is not among the files.")
            else:
                here.setdefault(entry.audio_member, []).append((entry, sentence_id))
        members = list(here)
        for start in range(0, len(members), _MEDIA_AT_ONCE):
            portion = members[start : start + _MEDIA_AT_ONCE]
            async with self._reader.media(found.kind, files, portion, self._limits) as media:
                made: list[ImportedRecording] = []
                work = [
                    (entry, self._recording(found, entry, sentence_id, data))
                    async for member, data in media
                    for entry, sentence_id in here[member]
                ]
            outcomes = await asyncio.gather(*(recording for _, recording in work))
            for (entry, _), (outcome, recording) in zip(work, outcomes, strict=True):
                if recording is not None:
                    made.append(recording)
                elif outcome is Outcome.REFUSED:
                    problem(ProblemKind.MEDIA_UNREADABLE, entry, "The recording can't be decoded.")
                counts = counts.with_one(outcome)

            async def add(uow: U, made: Sequence[ImportedRecording] = tuple(made)) -> None:
                await uow.imported_recordings.add(made, self._clock.now())

            if made:
                await run.step(add, done)
        report = Report(media=counts, problems=tuple(problems), problem_count=len(problems))
        await run.step(lambda uow: self._count(uow, found.id, report, done, done), done)

    async def _recording(
        self, found: Import, entry: Entry, sentence_id: SentenceId, data: bytes | None
    ) -> tuple[Outcome, ImportedRecording | None]:
        if data is None:
            return Outcome.REFUSED, None
        # The original names it, so that the same one is known again.
        key = f"{RECORDINGS}{sentence_id}/{hashlib.sha256(data).hexdigest()}.ogg"
        async with self._one_by_one, self._unit_of_work() as uow:
            if key in await uow.imported_recordings.known([key]):
                return Outcome.UNCHANGED, None
        playable = await self._recordings.playable(data)
        if playable is None:
            return Outcome.REFUSED, None
        await self._store.put(key, playable.data, {"content_type": "audio/ogg"})
        return Outcome.ADDED, ImportedRecording(
            id=self._ids.new_id(),
            sentence_id=sentence_id,
            object_key=key,
            size_bytes=len(playable.data),
            duration_seconds=playable.duration_seconds,
            sample_rate_hertz=playable.sample_rate_hertz,
            content_type="audio/ogg",
            sha256=hashlib.sha256(playable.data).digest(),
            author=entry.author,
            licence=entry.licence or _PRIVATE,
        )


async def _next(ready: asyncio.Queue[_Prepared | None], preparing: asyncio.Task[None]) -> _Prepared | None:
    """The next batch; what went wrong in preparing one is raised here."""
    getting = asyncio.create_task(ready.get())
    try:
        await asyncio.wait({getting, preparing}, return_when=asyncio.FIRST_COMPLETED)
        if not getting.done() and preparing.done():
            preparing.result()
        return await getting
    finally:
        getting.cancel()


def _has_recording(entry: Entry) -> bool:
    return bool(entry.audio) or entry.remote_audio_licence is not None


def _with_recordings(batch: _Prepared) -> bool:
    return any(sentence_id is not None and _has_recording(entry) for entry, _, sentence_id, _ in batch.entries)


def _space(found: Import) -> UserId | None:
    return found.owner_id if found.options.visibility is Visibility.PRIVATE else None


def _role(found: Import) -> FileRole:
    return FileRole.TABLE_MEDIA if found.kind is ImportKind.TABLE else REQUIRED[found.kind]
