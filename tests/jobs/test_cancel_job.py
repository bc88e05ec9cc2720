"""CancelJob."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from kaiwa.jobs.v1 import job_pb2
from kaiwa.jobs.v1 import jobs_service_pb2 as pb
from server.errors import Reason
from server.jobs.domain.job import JobState
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import ExportResult
from tests.support.jobs import KEN, NOBODYS, ScriptedHandler, ServedJobs, token
from tests.support.talk import refused


async def cancel(served: ServedJobs, job_id: str) -> job_pb2.Job:
    return (await served.stub.CancelJob(pb.CancelJobRequest(job_id=job_id), metadata=token())).job


async def test_a_job_that_waits_is_cancelled_at_once_and_never_begun(served: ServedJobs) -> None:
    job_id = await served.jobs.start()
    assert (await cancel(served, job_id)).state == job_pb2.JOB_STATE_CANCELLED
    handler = ScriptedHandler()
    await served.jobs.runner(handler)(job_id)
    assert handler.attempts == []


async def test_a_job_that_runs_stops_soon(served: ServedJobs) -> None:
    job_id = await served.jobs.start()
    running = asyncio.create_task(served.jobs.runner(ScriptedHandler(served.jobs.wait_forever))(job_id))
    await served.jobs.begun.wait()
    first = await cancel(served, job_id)
    assert first.state == job_pb2.JOB_STATE_CANCELLING
    async with asyncio.timeout(2):
        await running
    assert (await served.jobs.job(job_id)).state is JobState.CANCELLED
    assert (await cancel(served, job_id)).state == job_pb2.JOB_STATE_CANCELLED


async def test_asking_twice_changes_nothing(served: ServedJobs) -> None:
    job_id = await served.jobs.start()
    await served.jobs.put((await served.jobs.job(job_id)).begun(served.jobs.clock.now()))
    first = await cancel(served, job_id)
    assert first.state == job_pb2.JOB_STATE_CANCELLING
    assert await cancel(served, job_id) == first


async def test_a_job_that_has_ended_stays_as_it_is(served: ServedJobs) -> None:
    job_id = await served.jobs.start()
    now = served.jobs.clock.now()
    await served.jobs.put((await served.jobs.job(job_id)).begun(now).succeeded(ExportResult(1), now))
    found = await cancel(served, job_id)
    assert (found.state, found.export_result.size_bytes) == (job_pb2.JOB_STATE_SUCCEEDED, 1)


async def test_the_deletion_of_an_account_goes_on(served: ServedJobs) -> None:
    job_id = await served.jobs.start(kind=JobKind.DELETION)
    failure = await refused(cancel(served, job_id))
    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, Reason.JOB_NOT_CANCELLABLE)
    assert failure.metadata == {"job_id": job_id, "kind": "JOB_KIND_DELETION"}


@pytest.mark.parametrize("whose", ["anothers", "nobodys"])
async def test_a_job_that_is_not_ones_own(served: ServedJobs, whose: str) -> None:
    job_id = await served.jobs.start(KEN) if whose == "anothers" else NOBODYS
    failure = await refused(cancel(served, job_id))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, Reason.JOB_NOT_FOUND)
    if whose == "anothers":
        assert (await served.jobs.job(job_id)).state is JobState.QUEUED
