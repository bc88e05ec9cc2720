"""Workers are killed while they export and erase an account: the archive is whole, and nothing is left."""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import signal
import sys
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.ext.asyncio import AsyncEngine

from kaiwa.accounts.v1 import accounts_service_pb2 as pb
from kaiwa.jobs.v1 import job_pb2
from tests.support.assembled import PASSWORD, assembled
from tests.support.furnished import Place, furnish
from tests.support.killed_workers import ROOT
from tests.support.ownership import dump, files_naming, found_in

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

REVIEWS = 30_000
KILLS = 2
_PROGRAM = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from server.assembly.job_handlers import job_handlers
from server.config import Settings, Worker
from server.worker import Pace, work
pace = Pace(timedelta(milliseconds=200), timedelta(seconds=2), timedelta(milliseconds=200))
settings = Settings(home=Path(sys.argv[2]), database_url=sys.argv[1], worker=Worker(jobs=1))
asyncio.run(work(settings, asyncio.Event(), job_handlers, pace))
"""


def many_reviews(place: Place) -> None:
    """As many reviews as years of learning leave."""
    engine = create_engine(place.database_url, poolclass=NullPool)
    with engine.begin() as connection:
        columns = "SELECT column_name FROM information_schema.columns WHERE table_name = 'reviews'"
        listed = ", ".join(name for name in connection.execute(text(columns)).scalars() if name != "id")
        connection.execute(
            text(
                f"INSERT INTO reviews (id, {listed}) SELECT gen_random_uuid(), {listed} FROM reviews,"  # noqa: S608
                " generate_series(1, :count) WHERE user_id = :user_id"
            ),
            {"count": REVIEWS, "user_id": place.mika.user_id},
        )


async def is_at_it(engine: AsyncEngine, job_id: str, attempt: int) -> bool:
    """Whether a worker is at an attempt from this number on."""
    query = text("SELECT attempts >= :attempt AND state = 'running' FROM jobs WHERE id = :job_id")
    async with engine.connect() as connection:
        return bool((await connection.execute(query, {"attempt": attempt, "job_id": job_id})).scalar_one_or_none())


async def kill_workers(place: Place, engine: AsyncEngine, job_id: str, chance: random.Random) -> None:
    """Runs one worker after another; the first ones are killed soon after they have begun the job."""
    for number in range(1, KILLS + 2):
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _PROGRAM, place.database_url, str(place.settings.home)),
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'generated/python'}"},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            if number > KILLS:
                await process.wait()
            while not await is_at_it(engine, job_id, number):  # noqa: ASYNC110 - what another process does has no event
                await asyncio.sleep(0.02)
            # Sooner than a quiet machine is through with an attempt.
            await asyncio.sleep(chance.random() / 10)
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGKILL)
            await process.wait()


@asynccontextmanager
async def dying_workers(place: Place, engine: AsyncEngine, job_id: str, seed: int) -> AsyncIterator[None]:
    """Has workers at the job, and kills them, until the block ends."""
    killing = asyncio.create_task(kill_workers(place, engine, job_id, random.Random(seed)))
    try:
        yield
    finally:
        killing.cancel()
        await asyncio.gather(killing, return_exceptions=True)


async def test_an_account_is_exported_and_erased_by_workers_that_die(
    database_url: str, engine: AsyncEngine, tmp_path: Path
) -> None:
    async with assembled(database_url, tmp_path, ("accounts", "jobs")) as served:
        place = furnish(served, database_url)
        many_reviews(place)
        export_id = await place.export()
        async with dying_workers(place, engine, export_id, 7):
            export = await place.watched(export_id, patience=300)
        assert (export.state, export.attempts) == (job_pb2.JOB_STATE_SUCCEEDED, KILLS + 1)
        request = pb.DownloadMyDataRequest(job_id=export.id)
        parts = [part.chunk async for part in place.accounts.DownloadMyData(request, metadata=place.signed_in())]
        archive = zipfile.ZipFile(io.BytesIO(b"".join(parts)))
        assert len(json.loads(archive.read("learning/reviews.json"))) == REVIEWS + 1
        assert os.listdir(tmp_path / "spool") == []

        deletion = pb.DeleteMeRequest(password=PASSWORD)
        job_id = (await place.accounts.DeleteMe(deletion, metadata=place.signed_in())).job_id
        async with dying_workers(place, engine, job_id, 8):
            job = await place.watched(job_id, patience=300)
        assert (job.state, job.attempts) == (job_pb2.JOB_STATE_SUCCEEDED, KILLS + 1)
        assert job.deletion_result.deleted_records == job.progress.total - job.deletion_result.deleted_files
        assert job.deletion_result.deleted_records > REVIEWS
        with create_engine(database_url, poolclass=NullPool).connect() as connection:
            assert found_in(dump(connection), place.mika.names) == {}
        assert files_naming(tmp_path, place.mika.names) == []
