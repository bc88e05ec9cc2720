"""Imports on PostgreSQL, with the real reader and analyser and a store in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from server.adapters.imports.reader import ProcessImportReader
from server.adapters.openjtalk.taking_apart import TextParts
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.content.create_import import CreateImport
from server.content.domain.entries import Entry, ReadSentence, read_sentence
from server.content.domain.imports import (
    LIMITS,
    FileRole,
    Import,
    ImportId,
    ImportKind,
    ImportLimits,
    ImportOptions,
)
from server.content.domain.sentence import Visibility
from server.content.get_import import GetImport
from server.content.import_uploads import ImportUploads, UploadHeader
from server.content.list_imports import ListImports
from server.content.ports.imports import Playable
from server.content.preview_import import PreviewImport
from server.content.push_import_chunk import PushImportChunk
from server.content.run_import import RunImport
from server.content.start_import import StartImport
from server.content.upload_import import UploadImport
from server.jobs.domain.kinds import JobKind
from server.jobs.start_job import StartJob
from server.kernel.identity import Caller, UserId
from tests.support.accounts import make_user
from tests.support.content import KEN, MIKA, STUDENT
from tests.support.kernel import CountingIds, FixedClock

V = TypeVar("V")
PRIVATE = ImportOptions(Visibility.PRIVATE)
CSV = "Japanese,English,Reading\n水を飲む。,I drink water.,みずをのむ。\n橋を渡る。,I cross the bridge.,\n".encode()


class MemoryStore:
    """Objects in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    async def put(self, key: str, data: bytes, attributes: Mapping[str, str]) -> None:
        self.objects[key] = data

    async def get(self, key: str) -> bytes | None:
        return self.objects.get(key)

    async def delete(self, key: str) -> None:
        self.objects.pop(key, None)


class LocalAnalyser:
    """Open JTalk in this process."""

    def __init__(self) -> None:
        self.parts = TextParts()
        self.asked = 0

    async def read(self, entries: Sequence[Entry]) -> Sequence[ReadSentence]:
        self.asked += len(entries)
        return [read_sentence(entry, [word.word for word in self.parts.words(entry.japanese)]) for entry in entries]


class CountingRecordings:
    """Takes everything that begins with `ok` for a recording of a second."""

    async def playable(self, data: bytes) -> Playable | None:
        return Playable(b"OggS" + data, 1.0, 16_000) if data.startswith(b"ok") else None


class Cancelled(Exception):
    """The attempt was told to stop."""


class FakeRun:
    """One attempt, without a job.

    Attributes:
        steps: how many it may store before it is told to stop; None: any number.
        reported: what it said of its progress.
    """

    def __init__(
        self, unit_of_work: Callable[[], PostgresUnitOfWork], import_id: ImportId, steps: int | None = None
    ) -> None:
        self._unit_of_work = unit_of_work
        self.import_id = import_id
        self.steps = steps
        self.reported: list[tuple[int, int | None, str]] = []

    def report(self, done: int, total: int | None, stage: str) -> None:
        self.reported.append((done, total, stage))

    async def step(self, effect: Callable[[PostgresUnitOfWork], Awaitable[V]], done: int) -> V:
        if self.steps == 0:
            raise Cancelled
        if self.steps is not None:
            self.steps -= 1
        async with self._unit_of_work() as uow:
            made = await effect(uow)
            await uow.commit()
        return made


class Imports:
    """All use cases of imports."""

    def __init__(self, unit_of_work: Callable[[], PostgresUnitOfWork], limits: ImportLimits = LIMITS) -> None:
        self.unit_of_work = unit_of_work
        self.store = MemoryStore()
        self.clock, self.ids = FixedClock(), CountingIds()
        self.analyser = LocalAnalyser()
        self.uploads = ImportUploads(unit_of_work, self.store, self.clock, self.ids, limits)
        self.reader = ProcessImportReader()
        self.create = CreateImport(unit_of_work, self.clock, self.ids)
        self.upload = UploadImport(self.uploads)
        self.push = PushImportChunk(self.uploads)
        self.preview = PreviewImport(unit_of_work, self.store, self.reader, limits)
        self.start = StartImport(unit_of_work, self._start_job, self.clock)
        self.get = GetImport(unit_of_work)
        self.list = ListImports(unit_of_work)
        self.run_import = RunImport(
            unit_of_work, self.store, self.reader, self.analyser, CountingRecordings(), self.clock, self.ids, limits
        )

    async def _start_job(self, uow: PostgresUnitOfWork, user_id: UserId, import_id: ImportId) -> str:
        return await StartJob(self.clock, self.ids)(uow, user_id, JobKind.IMPORT, {}, import_id)

    async def add_users(self) -> None:
        """Stores the owners of imports."""
        async with self.unit_of_work() as uow:
            await uow.users.add(make_user(MIKA), "hash")
            await uow.users.add(make_user(KEN, email="ken@example.com", username="ken"), "hash")
            await uow.commit()

    async def ready(
        self,
        kind: ImportKind,
        files: Mapping[FileRole, bytes | Path],
        options: ImportOptions = PRIVATE,
        who: Caller = STUDENT,
    ) -> Import:
        """An import whose files are there."""
        made = await self.create(who, kind, options)
        for role, given in files.items():
            data = given if isinstance(given, bytes) else given.read_bytes()
            made = await self.upload(who, messages(made.id, role, data))
        return made

    async def run(self, import_id: ImportId, *, who: Caller = STUDENT, steps: int | None = None) -> Import:
        """Starts an import and runs it."""
        await self.start(who, import_id, None)
        attempt = FakeRun(self.unit_of_work, import_id, steps)
        finish = await self.run_import(attempt)
        await attempt.step(finish, 0)
        return await self.get(who, import_id)

    async def imported(
        self,
        kind: ImportKind,
        files: Mapping[FileRole, bytes | Path],
        options: ImportOptions = PRIVATE,
        who: Caller = STUDENT,
    ) -> Import:
        """Uploads files and imports them."""
        return await self.run((await self.ready(kind, files, options, who)).id, who=who)


async def messages(
    import_id: ImportId, role: FileRole, data: bytes, *, offset: int = 0, size: int | None = None, sha256: str = ""
) -> AsyncIterator[UploadHeader | bytes]:
    """An upload in chunks of 1,000 bytes."""
    yield UploadHeader(import_id, role, "a.csv", offset, len(data) if size is None else size, sha256)
    for start in range(0, len(data), 1000):
        yield data[start : start + 1000]


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A zip archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()
