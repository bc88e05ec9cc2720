"""WatchJob."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import grpc
import pytest
from sqlalchemy import delete, text

from kaiwa.jobs.v1 import job_pb2
from kaiwa.jobs.v1 import jobs_service_pb2 as pb
from server.adapters.postgres.engine import create_engine
from server.adapters.postgres.tables import JobRow
from server.errors import Reason, Unauthenticated
from server.jobs.domain.job import Farewell, Progress
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import DeletionResult, ExportResult
from server.jobs.watch_job import HEARTBEAT, MOST_WATCHES
from tests.support.jobs import KEN, MIKA, NOBODYS, Jobs, ServedJobs, serving_jobs, token
from tests.support.rpc import Failure, failure_of
from tests.support.talk import refused


class Sleeps:
    """Time that passes when a test says so; short pauses take none."""

    def __init__(self) -> None:
        self.passed = asyncio.Event()

    async def __call__(self, seconds: float) -> None:
        if seconds >= 1:
            await self.passed.wait()
            self.passed.clear()


class Stream:
    """A stream of a job's states."""

    def __init__(self, served: ServedJobs, job_id: str) -> None:
        self._call = served.stub.WatchJob(pb.WatchJobRequest(job_id=job_id), metadata=token(), timeout=20)

    async def next(self) -> job_pb2.Job:
        message = await self._call.read()
        assert isinstance(message, pb.WatchJobResponse)
        return message.job

    async def ended(self) -> bool:
        return await self._call.read() is grpc.aio.EOF and await self._call.code() is grpc.StatusCode.OK

    async def failure(self) -> Failure:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self._drain()
        return failure_of(caught.value)

    async def _drain(self) -> None:
        while await self._call.read() is not grpc.aio.EOF:
            pass

    def cancel(self) -> None:
        self._call.cancel()


@asynccontextmanager
async def slow(jobs: Jobs) -> AsyncIterator[tuple[ServedJobs, Sleeps]]:
    """JobsService whose silences end when a test says so."""
    sleeps = Sleeps()
    async with serving_jobs(jobs, sleeps) as served:
        yield served, sleeps


async def test_from_the_first_state_to_the_last(served: ServedJobs) -> None:
    jobs = served.jobs
    job_id = await jobs.start()
    stream = Stream(served, job_id)
    assert (await stream.next()).state == job_pb2.JOB_STATE_QUEUED
    running = (await jobs.job(job_id)).begun(jobs.clock.now())
    await jobs.put(running)
    assert (await stream.next()).state == job_pb2.JOB_STATE_RUNNING
    running = replace(running, progress=Progress(1, 2, "export.packing"))
    await jobs.put(running)
    assert (await stream.next()).progress == job_pb2.JobProgress(done=1, total=2, stage="export.packing")
    await jobs.put(running.succeeded(ExportResult(5), jobs.clock.now()))
    assert (await stream.next()).export_result.size_bytes == 5
    assert await stream.ended()


async def test_a_job_that_has_ended_is_shown_once(served: ServedJobs) -> None:
    job_id = await served.jobs.start()
    await served.jobs.put((await served.jobs.job(job_id)).cancelled(served.jobs.clock.now()))
    stream = Stream(served, job_id)
    assert (await stream.next()).state == job_pb2.JOB_STATE_CANCELLED
    assert await stream.ended()


async def test_what_changes_in_another_process_is_seen(served: ServedJobs, database_url: str) -> None:
    job_id = await served.jobs.start()
    stream = Stream(served, job_id)
    await stream.next()
    elsewhere = create_engine(database_url)
    other = Jobs(elsewhere, served.jobs.clock)
    await other.put((await other.job(job_id)).begun(other.clock.now()))
    assert (await stream.next()).state == job_pb2.JOB_STATE_RUNNING
    await elsewhere.dispose()


async def test_what_is_unchanged_is_sent_now_and_then(jobs: Jobs) -> None:
    assert timedelta(seconds=15) == HEARTBEAT
    async with slow(jobs) as (served, sleeps):
        stream = Stream(served, await jobs.start())
        first = await stream.next()
        for _ in range(2):
            sleeps.passed.set()
            assert await stream.next() == first


async def test_a_listener_that_was_cut_off_catches_up(served: ServedJobs) -> None:
    jobs = served.jobs
    job_id = await jobs.start()
    stream = Stream(served, job_id)
    await stream.next()
    async with jobs.engine.begin() as connection:
        killed = await connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query = 'LISTEN kaiwa_jobs'"
            )
        )
        assert killed.scalar_one() == 1
        await connection.execute(
            text("UPDATE jobs SET stage = 'export.packing', state = 'running', started_at = now()")
        )
    while (seen := await stream.next()).state == job_pb2.JOB_STATE_QUEUED:
        pass
    assert seen.progress.stage == "export.packing"


@pytest.mark.parametrize("whose", ["anothers", "nobodys"])
async def test_a_job_that_is_not_ones_own(served: ServedJobs, whose: str) -> None:
    job_id = await served.jobs.start(KEN) if whose == "anothers" else NOBODYS
    failure = await Stream(served, job_id).failure()
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, Reason.JOB_NOT_FOUND)


async def test_a_job_that_is_deleted_meanwhile(jobs: Jobs) -> None:
    async with slow(jobs) as (served, sleeps):
        stream = Stream(served, await jobs.start())
        await stream.next()
        async with jobs.engine.begin() as connection:
            await connection.execute(delete(JobRow))
        sleeps.passed.set()
        assert (await stream.failure()).reason == Reason.JOB_NOT_FOUND


async def test_only_so_many_streams(served: ServedJobs) -> None:
    job_id = await served.jobs.start()
    streams = [Stream(served, job_id) for _ in range(MOST_WATCHES)]
    for stream in streams:
        await stream.next()
    failure = await Stream(served, job_id).failure()
    assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.TOO_MANY_JOB_WATCHES)
    assert failure.metadata == {"limit": "8"}
    ended = len(served.served.metrics.ended)
    streams[0].cancel()
    while len(served.served.metrics.ended) == ended:
        served.served.metrics.changed.clear()
        await served.served.metrics.changed.wait()
    assert (await Stream(served, job_id).next()).id == job_id


async def test_a_token_that_expires_meanwhile(jobs: Jobs) -> None:
    jobs.expires_in = timedelta(minutes=1)
    async with slow(jobs) as (served, sleeps):
        stream = Stream(served, await jobs.start())
        await stream.next()
        jobs.clock.advance(timedelta(minutes=1))
        sleeps.passed.set()
        failure = await stream.failure()
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAUTHENTICATED, Reason.TOKEN_EXPIRED)


async def test_a_session_that_ends_meanwhile(jobs: Jobs) -> None:
    async with slow(jobs) as (served, sleeps):
        stream = Stream(served, await jobs.start())
        await stream.next()
        jobs.ended = Unauthenticated(Reason.SESSION_REVOKED, "The session has ended.")
        sleeps.passed.set()
        assert (await stream.failure()).reason == Reason.SESSION_REVOKED


async def test_the_server_stops(served: ServedJobs) -> None:
    stream = Stream(served, await served.jobs.start())
    await stream.next()
    served.watch_job.end_all()
    failure = await stream.failure()
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, Reason.SHUTTING_DOWN)


async def test_no_uuid(served: ServedJobs) -> None:
    assert (await Stream(served, "x").failure()).reason == Reason.INVALID_FIELD
    call = served.stub.GetJob(pb.GetJobRequest(job_id="x"), metadata=token())
    assert (await refused(call)).reason == Reason.INVALID_FIELD


async def part(jobs: Jobs, job_id: str, *, told: bool = True) -> None:
    """Removes a job with its owner, as a deletion ends."""
    async with jobs.unit_of_work() as uow:
        if told:
            await uow.jobs.announce(job_id, Farewell(jobs.clock.now(), 2, Progress(9, 9), DeletionResult(7, 2)))
        await uow.users.delete(MIKA)
        await uow.commit()


async def test_a_deletion_is_seen_to_its_end_though_nothing_is_left(served: ServedJobs) -> None:
    jobs = served.jobs
    job_id = await jobs.start(kind=JobKind.DELETION)
    streams = [Stream(served, job_id) for _ in range(2)]
    for stream in streams:
        assert (await stream.next()).state == job_pb2.JOB_STATE_QUEUED
    await part(jobs, job_id)
    for stream in streams:
        last = await stream.next()
        assert (last.id, last.state, last.attempts) == (job_id, job_pb2.JOB_STATE_SUCCEEDED, 2)
        assert (last.deletion_result.deleted_records, last.deletion_result.deleted_files) == (7, 2)
        assert (last.progress.done, last.progress.total) == (9, 9)
        assert last.end_time == last.expire_time
        assert await stream.ended()
    call = served.stub.GetJob(pb.GetJobRequest(job_id=job_id), metadata=token())
    assert (await refused(call)).reason == Reason.JOB_NOT_FOUND


async def test_a_deletion_of_whose_end_nobody_told_is_not_found(served: ServedJobs) -> None:
    jobs = served.jobs
    job_id = await jobs.start(kind=JobKind.DELETION)
    stream = Stream(served, job_id)
    await stream.next()
    await part(jobs, job_id, told=False)
    async with jobs.engine.begin() as connection:
        await connection.execute(text("SELECT pg_notify('kaiwa_jobs', :job_id)"), {"job_id": job_id})
    assert (await stream.failure()).reason == Reason.JOB_NOT_FOUND
