"""The job that runs imports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from server.adapters.audio.decoder import ProcessFileDecoder
from server.adapters.audio.encoder import AudioFileEncoder
from server.adapters.imports.analysis import PoolBatchAnalyser
from server.adapters.imports.reader import ProcessImportReader
from server.adapters.imports.recordings import OpusRecordings
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.content.domain.imports import ImportId
from server.content.run_import import RunImport
from server.jobs.domain.results import ImportResult, JobResult
from server.jobs.run_job import Effect, Run
from server.worker import Workshop

V = TypeVar("V")


class ImportJob:
    """Runs the import that a job names as its subject."""

    def __init__(self, workshop: Workshop) -> None:
        analyser = PoolBatchAnalyser()
        workshop.resources.callback(analyser.close)
        encoder = AudioFileEncoder()
        workshop.resources.callback(encoder.close)
        decoder = ProcessFileDecoder()
        workshop.resources.push_async_callback(decoder.close)
        self._run_import = RunImport(
            workshop.unit_of_work,
            workshop.store,
            ProcessImportReader(),
            analyser,
            OpusRecordings(decoder, encoder),
            workshop.clock,
            workshop.ids,
        )

    async def __call__(self, run: Run[PostgresUnitOfWork]) -> Effect[PostgresUnitOfWork, JobResult]:
        """Imports; the last part is stored with the job's end."""
        attempt = _Attempt(run)
        finish = await self._run_import(attempt)

        async def end(uow: PostgresUnitOfWork) -> JobResult:
            await finish(uow)
            return ImportResult(attempt.import_id)

        return end


class _Attempt:
    """An attempt as the import sees it."""

    def __init__(self, run: Run[PostgresUnitOfWork]) -> None:
        self._run = run

    @property
    def import_id(self) -> ImportId:
        """Which import."""
        return ImportId(self._run.job.subject_id or "")

    def report(self, done: int, total: int | None, stage: str) -> None:
        """Says how far it is."""
        self._run.report(done, total, stage)

    async def step(self, effect: Callable[[PostgresUnitOfWork], Awaitable[V]], done: int) -> V:
        """Stores a part of the work, all or nothing."""
        return await self._run.step(effect, done)
