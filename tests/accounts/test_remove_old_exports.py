"""Archives whose time is over go before their jobs; files that nobody knows go too."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from server.accounts.domain.export import Export
from server.accounts.download_my_data import DownloadMyData
from server.accounts.remove_old_exports import RemoveExpiredExports, RemoveOrphanedExports
from server.adapters.object_store import ObjectAudioStore, open_store
from server.adapters.postgres.maintenance import PostgresMaintenance
from server.errors import ApplicationError, Reason
from server.jobs.domain.job import KEPT
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import ExportResult
from server.kernel.identity import Caller, Role, SessionId, UserId
from tests.support.jobs import KEN, MIKA, Jobs, with_two_accounts

SESSION = SessionId("0198c0de-0000-7000-8000-0000000000ff")


@pytest.fixture
async def jobs(engine: AsyncEngine) -> Jobs:
    return await with_two_accounts(engine)


@pytest.fixture
def store(tmp_path: Path) -> ObjectAudioStore:
    return ObjectAudioStore(open_store(None, tmp_path))


async def exported(jobs: Jobs, store: ObjectAudioStore) -> str:
    job_id = await jobs.start()
    key = f"exports/{MIKA}/{job_id}-1.zip"
    await store.put_file(key, io.BytesIO(b"PK"), "application/zip")
    async with jobs.unit_of_work() as uow:
        await uow.exports.add(Export(job_id, MIKA, key, 2, b"d" * 32, jobs.clock.now()))
        await uow.commit()
    now = jobs.clock.now()
    await jobs.put((await jobs.job(job_id)).begun(now).succeeded(ExportResult(2), now))
    return job_id


async def told(jobs: Jobs, store: ObjectAudioStore, job_id: str, user_id: UserId = MIKA) -> Reason | None:
    caller = Caller(user_id, Role.STUDENT, SESSION, jobs.clock.now() + timedelta(hours=1))
    try:
        await DownloadMyData(jobs.unit_of_work, store, jobs.clock)(caller, job_id, 0)
    except ApplicationError as error:
        return error.reason
    return None


async def test_an_archive_goes_before_its_job_and_is_remembered(
    jobs: Jobs, store: ObjectAudioStore, engine: AsyncEngine
) -> None:
    maintenance = PostgresMaintenance(engine)
    remove = RemoveExpiredExports(store, maintenance)
    job_id = await exported(jobs, store)
    key = f"exports/{MIKA}/{job_id}-1.zip"
    end = jobs.clock.now() + KEPT
    assert await remove(end) == 0
    assert await told(jobs, store, job_id) is None
    jobs.clock.at = end
    assert await told(jobs, store, job_id) is Reason.EXPORT_EXPIRED

    after = end + timedelta(seconds=1)
    assert await maintenance.delete_expired_jobs(after) == 0
    assert await remove(after) == 1
    assert await store.get(key) is None
    assert await remove(after) == 0
    assert await told(jobs, store, job_id) is Reason.EXPORT_EXPIRED
    assert await maintenance.delete_expired_jobs(after) == 1
    assert await told(jobs, store, job_id) is Reason.EXPORT_EXPIRED
    assert await told(jobs, store, job_id, KEN) is Reason.JOB_NOT_FOUND
    assert await maintenance.forget_exports(datetime.now(UTC) - timedelta(days=1)) == 0
    assert await maintenance.forget_exports(datetime.now(UTC) + timedelta(days=1)) == 1
    assert await told(jobs, store, job_id) is Reason.JOB_NOT_FOUND


async def test_many_at_once(jobs: Jobs, store: ObjectAudioStore, engine: AsyncEngine) -> None:
    for _ in range(3):
        await exported(jobs, store)
    assert await RemoveExpiredExports(store, PostgresMaintenance(engine))(jobs.clock.now() + 2 * KEPT) == 3


async def test_a_job_that_is_no_export_has_no_archive(jobs: Jobs, store: ObjectAudioStore) -> None:
    job_id = await jobs.start(kind=JobKind.SIMULATION)
    assert await told(jobs, store, job_id) is Reason.JOB_NOT_FOUND
    export = await jobs.start()
    assert await told(jobs, store, export) is Reason.EXPORT_NOT_READY
    await jobs.put(replace(await jobs.job(export), attempts=1).cancelled(jobs.clock.now()))
    assert await told(jobs, store, export) is Reason.EXPORT_NOT_READY


async def test_what_a_killed_attempt_left(jobs: Jobs, store: ObjectAudioStore, engine: AsyncEngine) -> None:
    job_id = await exported(jobs, store)
    left = f"exports/{MIKA}/{job_id}-0.zip"
    await store.put_file(left, io.BytesIO(b"PK"), "application/zip")
    await store.put_file("attempts/x.flac", io.BytesIO(b"fLaC"), "audio/flac")
    remove = RemoveOrphanedExports(store, PostgresMaintenance(engine))
    assert await remove(datetime(2001, 1, 1, tzinfo=UTC)) == 0
    assert await remove(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert await store.get(left) is None
    assert await told(jobs, store, job_id) is None
    assert await store.get("attempts/x.flac") is not None
