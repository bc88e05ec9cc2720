"""The jobs of accounts: they gather, or erase, what every service holds of a user."""

from __future__ import annotations

import asyncio

from server.accounts.erase_account import EraseAccount
from server.accounts.write_export import WriteExport
from server.adapters.archive import ZipArchives
from server.adapters.mail import FolderMails
from server.adapters.postgres.holdings import HOLDINGS
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.assembly.limits import rate_limits
from server.jobs.domain.results import DeletionResult, ExportResult, JobResult
from server.jobs.run_job import Effect, Outcome, Run, WithOwner
from server.jobs.stop_jobs import StopJobs
from server.worker import Workshop


class ExportJob:
    """Does a job of the kind EXPORT."""

    def __init__(self, workshop: Workshop) -> None:
        self._write = WriteExport(
            workshop.snapshot,
            tuple(HOLDINGS.values()),
            workshop.store,
            ZipArchives(workshop.settings.home / "spool"),
            workshop.clock,
        )

    async def __call__(self, run: Run[PostgresUnitOfWork]) -> Effect[PostgresUnitOfWork, JobResult]:
        job = run.job
        omit_audio = job.input.get("omit_audio") is True
        export = await self._write(job.user_id, job.id, job.attempts, run.report, omit_audio=omit_audio)

        async def keep(uow: PostgresUnitOfWork) -> JobResult:
            await uow.exports.add(export)
            return ExportResult(export.size_bytes)

        return keep


class DeletionJob:
    """Does a job of the kind DELETION."""

    def __init__(self, workshop: Workshop) -> None:
        # Whether mail is sent now or not: the folder may be of a time when it was not.
        traces = (FolderMails(workshop.settings.home / "mail"), rate_limits(workshop.settings, workshop.resources))
        stop_jobs = StopJobs(workshop.clock)
        self._erase = EraseAccount(tuple(HOLDINGS.values()), stop_jobs, workshop.store, traces, asyncio.sleep)

    async def __call__(self, run: Run[PostgresUnitOfWork]) -> Effect[PostgresUnitOfWork, Outcome[PostgresUnitOfWork]]:
        user_id = run.job.user_id
        last = await self._erase(user_id, run)

        async def remove_owner(uow: PostgresUnitOfWork) -> None:
            await uow.users.delete(user_id)

        async def finish(uow: PostgresUnitOfWork) -> Outcome[PostgresUnitOfWork]:
            erased = await last(uow)
            return WithOwner(DeletionResult(erased.records, erased.files), remove_owner)

        return finish
