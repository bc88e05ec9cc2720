"""Imports through the real use cases, PostgreSQL and processes, on an embedded database of their own."""

from __future__ import annotations

import asyncio
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

from server.adapters.clock import SystemClock, UuidV7Source
from server.adapters.object_store import ObjectAudioStore, open_store
from server.adapters.postgres.embedded import EmbeddedPostgres
from server.adapters.postgres.engine import create_engine
from server.adapters.postgres.migrate import upgrade
from server.adapters.postgres.tables import UserRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork, unit_of_work_factory
from server.assembly.import_job import ImportJob
from server.config import Settings
from server.content.create_import import CreateImport
from server.content.domain.imports import FileRole, Import, ImportId, ImportKind, ImportOptions
from server.content.import_uploads import ImportUploads, UploadHeader
from server.content.start_import import StartImport
from server.content.upload_import import UploadImport
from server.jobs.domain.kinds import JobKind
from server.jobs.run_job import RunJob
from server.jobs.start_job import StartJob
from server.kernel.identity import Caller, Role, SessionId, UserId
from server.worker import Workshop

_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Ran:
    """An import that ran.

    Attributes:
        seconds: from the job's beginning to its end.
        peak_bytes: the most memory of this process and its children at once, proportional where it is shared.
    """

    result: Import
    seconds: float
    peak_bytes: int


class Workbench:
    """Everything that an import needs."""

    def __init__(self, caller: Caller, workshop: Workshop) -> None:
        self.unit_of_work = workshop.unit_of_work
        self.caller = caller
        self.workshop = workshop
        clock, ids = workshop.clock, workshop.ids
        self.create = CreateImport(self.unit_of_work, clock, ids)
        self.upload = UploadImport(ImportUploads(self.unit_of_work, workshop.store, clock, ids))
        start_job = StartJob(clock, ids)

        async def start(uow: PostgresUnitOfWork, user_id: UserId, import_id: ImportId) -> str:
            return await start_job(uow, user_id, JobKind.IMPORT, {}, import_id)

        self.start = StartImport(self.unit_of_work, start, clock)
        self.run = RunJob(self.unit_of_work, {JobKind.IMPORT: ImportJob(workshop)}, clock)

    async def prepared(self, kind: ImportKind, files: Mapping[FileRole, Path], options: ImportOptions) -> Import:
        """An import whose files are there."""
        made = await self.create(self.caller, kind, options)
        for role, path in files.items():
            await self.upload(self.caller, _messages(made.id, role, path))
        return made

    async def imported(self, kind: ImportKind, files: Mapping[FileRole, Path], options: ImportOptions) -> Ran:
        """Uploads files and runs the import."""
        made = await self.prepared(kind, files, options)
        job_id, _ = await self.start(self.caller, made.id, None)
        watch = MemoryWatch()
        began = time.perf_counter()
        await self.run(job_id)
        seconds = time.perf_counter() - began
        peak = watch.stop()
        async with self.unit_of_work() as uow:
            result = await uow.imports.get(made.id, self.caller.user_id)
        if result is None:
            raise RuntimeError("the import is gone")
        return Ran(result, seconds, peak)


class MemoryWatch:
    """Watches the memory of this process and its children."""

    def __init__(self) -> None:
        self._peak = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> int:
        """The most that there was, in bytes."""
        self._stopped.set()
        self._thread.join()
        return self._peak

    def _watch(self) -> None:
        own = psutil.Process()
        while not self._stopped.wait(0.25):
            total = 0
            for process in (own, *own.children(recursive=True)):
                try:
                    if "postgres" not in process.name():
                        total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            self._peak = max(self._peak, total)


@asynccontextmanager
async def workbench() -> AsyncIterator[Workbench]:
    """A workbench on a new database, with a teacher."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kaiwa-bench-")))
        postgres = EmbeddedPostgres(home)
        url = await asyncio.to_thread(postgres.start)
        stack.callback(postgres.stop)
        await asyncio.to_thread(upgrade, url)
        engine = create_engine(url, application_name="bench")
        stack.push_async_callback(engine.dispose)
        clock, ids = SystemClock(), UuidV7Source()
        user_id = UserId(ids.new_id())
        now = datetime.now(UTC)
        async with engine.begin() as connection:
            await connection.execute(
                UserRow.__table__.insert().values(  # type: ignore[attr-defined]
                    id=user_id,
                    email="t@example.org",
                    username="t",
                    password_hash="-",  # noqa: S106 - nobody signs in
                    role="teacher",
                    created_at=now,
                    updated_at=now,
                )
            )
        settings = Settings.from_environment({"KAIWA_HOME": str(home)})
        store = ObjectAudioStore(open_store(None, home / "objects"))
        transactions = unit_of_work_factory(engine)
        workshop = Workshop(settings, stack, transactions, transactions, store, clock, ids)
        caller = Caller(user_id, Role.TEACHER, SessionId(ids.new_id()), now + timedelta(hours=1))
        yield Workbench(caller, workshop)


async def _messages(import_id: ImportId, role: FileRole, path: Path) -> AsyncIterator[UploadHeader | bytes]:
    data = await asyncio.to_thread(path.read_bytes)
    yield UploadHeader(import_id, role, path.name, 0, len(data))
    for start in range(0, len(data), _CHUNK):
        yield data[start : start + _CHUNK]
