"""A table is imported over a port by workers that are killed in the middle of it: nothing is lost, nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

from kaiwa.content.v1 import content_service_pb2 as pb
from kaiwa.content.v1 import content_service_pb2_grpc as content_rpc
from kaiwa.content.v1 import import_pb2, sentence_pb2
from kaiwa.jobs.v1 import job_pb2, jobs_service_pb2
from kaiwa.jobs.v1 import jobs_service_pb2_grpc as jobs_rpc
from server.kernel.identity import Role
from tests.support.assembled import assembled

ROOT = Path(__file__).parents[2]
COUNT = 6_500
_WORKER = """
import asyncio, sys
from datetime import timedelta
from pathlib import Path
from server.assembly.job_handlers import job_handlers
from server.config import Settings
from server.worker import Pace, work
pace = Pace(timedelta(milliseconds=200), timedelta(seconds=2), timedelta(milliseconds=200))
settings = Settings(home=Path(sys.argv[1]), database_url=sys.argv[2])
asyncio.run(work(settings, asyncio.Event(), job_handlers, pace))
"""


async def worker(home: Path, database_url: str) -> asyncio.subprocess.Process:
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WORKER, str(home), database_url, cwd=ROOT, env=environment
    )


async def upload(import_id: str, data: bytes) -> AsyncIterator[pb.UploadImportRequest]:
    role = import_pb2.IMPORT_FILE_ROLE_TABLE
    yield pb.UploadImportRequest(header=pb.ImportUploadHeader(import_id=import_id, role=role, size_bytes=len(data)))
    for start in range(0, len(data), 1 << 16):
        yield pb.UploadImportRequest(chunk=data[start : start + (1 << 16)])


async def test_an_import_goes_on_after_its_worker_was_killed(database_url: str, tmp_path: Path) -> None:
    data = "Japanese\n" + "".join(f"これは{number}番の文です。\n" for number in range(COUNT))
    async with assembled(database_url, tmp_path, ("accounts", "content", "jobs")) as served:
        content = content_rpc.ContentServiceStub(served.channel)
        jobs = jobs_rpc.JobsServiceStub(served.channel)
        student = served.signed_in(Role.STUDENT)
        options = import_pb2.ImportOptions(visibility=sentence_pb2.VISIBILITY_PRIVATE, skip_analysis=True)
        made = await content.CreateImport(
            pb.CreateImportRequest(kind=import_pb2.IMPORT_KIND_TABLE, options=options), metadata=student
        )
        import_id = made.content_import.id
        await content.UploadImport(upload(import_id, data.encode()), metadata=student)
        preview = await content.PreviewImport(pb.PreviewImportRequest(id=import_id), metadata=student)
        assert (preview.entry_count, preview.problem_count, preview.exhaustive) == (COUNT, 0, False)
        started = await content.StartImport(pb.StartImportRequest(id=import_id), metadata=student)

        process = await worker(tmp_path, database_url)
        killed = False
        seen = job_pb2.Job()
        watch = jobs.WatchJob(jobs_service_pb2.WatchJobRequest(job_id=started.job_id), metadata=student, timeout=120)
        async for response in watch:
            assert response.job.progress.done >= seen.progress.done
            seen = response.job
            if seen.progress.done >= 2_000 and not killed:
                killed = True
                process.send_signal(signal.SIGKILL)
                await process.wait()
                process = await worker(tmp_path, database_url)
        process.kill()
        await process.wait()

        found = (await content.GetImport(pb.GetImportRequest(id=import_id), metadata=student)).content_import
    assert killed
    assert (seen.state, seen.progress.done, seen.progress.total) == (job_pb2.JOB_STATE_SUCCEEDED, COUNT, COUNT)
    assert found.state == import_pb2.IMPORT_STATE_SUCCEEDED
    assert found.report.sentences == import_pb2.ImportCounts(added=COUNT)
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        counts = connection.execute(text("SELECT count(*), count(DISTINCT japanese) FROM sentences")).one()
    engine.dispose()
    assert tuple(counts) == (COUNT, COUNT)
