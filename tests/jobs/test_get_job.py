"""GetJob."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import grpc
import pytest

from kaiwa.errors.v1 import error_reason_pb2
from kaiwa.jobs.v1 import job_pb2
from kaiwa.jobs.v1 import jobs_service_pb2 as pb
from server.errors import Reason
from server.jobs.domain.job import KEPT, Failure, Progress
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import (
    AudioBatchResult,
    DeletionResult,
    ExportResult,
    ImportResult,
    JobResult,
    OptimizationResult,
    RescoringResult,
    SimulatedDay,
    SimulatedScenario,
    SimulationResult,
)
from server.rpc.wire import seconds, timestamp
from tests.support.jobs import KEN, NOBODYS, ServedJobs, token
from tests.support.talk import refused

RESULTS: list[tuple[JobKind, JobResult, job_pb2.Job]] = [
    (
        JobKind.IMPORT,
        ImportResult(NOBODYS),
        job_pb2.Job(import_result=job_pb2.ImportResult(import_id=NOBODYS)),
    ),
    (
        JobKind.DELETION,
        DeletionResult(3, 4),
        job_pb2.Job(deletion_result=job_pb2.DeletionResult(deleted_records=3, deleted_files=4)),
    ),
    (
        JobKind.AUDIO_BATCH,
        AudioBatchResult(1, 2, 3),
        job_pb2.Job(audio_batch_result=job_pb2.AudioBatchResult(synthesized=1, reused=2, failed=3)),
    ),
    (
        JobKind.OPTIMIZATION,
        OptimizationResult((0.5, 1.5), 400, 0.4, 0.3, 0.2, 0.1, True),
        job_pb2.Job(
            optimization_result=job_pb2.OptimizationResult(
                parameters=(0.5, 1.5),
                review_count=400,
                log_loss_before=0.4,
                log_loss_after=0.3,
                rmse_before=0.2,
                rmse_after=0.1,
                applied=True,
            )
        ),
    ),
    (
        JobKind.SIMULATION,
        SimulationResult((SimulatedScenario(0.9, (SimulatedDay(2.5, 1.0, 60.0),), 10.0),)),
        job_pb2.Job(
            simulation_result=job_pb2.SimulationResult(
                scenarios=[
                    job_pb2.SimulatedScenario(
                        desired_retention=0.9,
                        days=[job_pb2.SimulatedDay(reviews=2.5, new_cards=1.0, study_time=seconds(60))],
                        remembered_cards=10.0,
                    )
                ]
            )
        ),
    ),
    (JobKind.SIMULATION, SimulationResult(()), job_pb2.Job(simulation_result=job_pb2.SimulationResult())),
    (
        JobKind.RESCORING,
        RescoringResult(1, 2, 3, "mora-1"),
        job_pb2.Job(
            rescoring_result=job_pb2.RescoringResult(rescored=1, skipped=2, failed=3, assessment_version="mora-1")
        ),
    ),
]


async def get(served: ServedJobs, job_id: str) -> job_pb2.Job:
    return (await served.stub.GetJob(pb.GetJobRequest(job_id=job_id), metadata=token())).job


async def test_a_job_that_waits(served: ServedJobs) -> None:
    job_id = await served.jobs.start(kind=JobKind.IMPORT, subject_id=NOBODYS)
    now = timestamp(served.jobs.clock.now())
    assert await get(served, job_id.upper()) == job_pb2.Job(
        id=job_id,
        kind=job_pb2.JOB_KIND_IMPORT,
        state=job_pb2.JOB_STATE_QUEUED,
        subject_id=NOBODYS,
        max_attempts=5,
        create_time=now,
        update_time=now,
    )


async def test_a_job_that_has_succeeded(served: ServedJobs) -> None:
    job_id = await served.jobs.start()
    now = served.jobs.clock.now()
    running = replace((await served.jobs.job(job_id)).begun(now), progress=Progress(1, 4, "export.packing"))
    await served.jobs.put(running.succeeded(ExportResult(2048), now))
    found = await get(served, job_id)
    expiry = timestamp(now + KEPT)
    assert (found.state, found.attempts) == (job_pb2.JOB_STATE_SUCCEEDED, 1)
    assert found.progress == job_pb2.JobProgress(done=4, total=4, stage="export.packing")
    assert (found.start_time, found.end_time, found.expire_time) == (timestamp(now), timestamp(now), expiry)
    assert found.export_result == job_pb2.ExportResult(size_bytes=2048, expire_time=expiry)


@pytest.mark.parametrize(("kind", "result", "expected"), RESULTS)
async def test_results(served: ServedJobs, kind: JobKind, result: JobResult, expected: job_pb2.Job) -> None:
    job_id = await served.jobs.start(kind=kind)
    now = served.jobs.clock.now()
    await served.jobs.put((await served.jobs.job(job_id)).begun(now).succeeded(result, now))
    found = await get(served, job_id)
    name = found.WhichOneof("result")
    assert name is not None
    assert getattr(found, name) == getattr(expected, name)


async def test_a_job_that_has_failed(served: ServedJobs) -> None:
    job_id = await served.jobs.start()
    now = served.jobs.clock.now()
    failure = Failure(Reason.JOB_TIMED_OUT, "It ran for more than 3600 s.", (("limit_seconds", "3600"),))
    await served.jobs.put((await served.jobs.job(job_id)).begun(now).failed(failure, now))
    found = await get(served, job_id)
    assert found.state == job_pb2.JOB_STATE_FAILED
    assert found.failure.reason == error_reason_pb2.ERROR_REASON_JOB_TIMED_OUT
    assert (found.failure.message, dict(found.failure.metadata)) == (failure.message, {"limit_seconds": "3600"})
    assert found.WhichOneof("result") is None


async def test_anothers_job_is_as_one_that_does_not_exist(served: ServedJobs) -> None:
    kens = await served.jobs.start(KEN)
    failures = [await refused(get(served, job_id)) for job_id in (kens, NOBODYS)]
    assert {(failure.code, failure.reason, failure.message) for failure in failures} == {
        (grpc.StatusCode.NOT_FOUND, Reason.JOB_NOT_FOUND, "You have no such job.")
    }
    assert [failure.metadata["job_id"] for failure in failures] == [kens, NOBODYS]


async def test_an_expired_job_is_not_there(served: ServedJobs) -> None:
    job_id = await served.jobs.start()
    await served.jobs.put((await served.jobs.job(job_id)).cancelled(served.jobs.clock.now()))
    served.jobs.clock.advance(KEPT - timedelta(seconds=1))
    assert (await get(served, job_id)).state == job_pb2.JOB_STATE_CANCELLED
    served.jobs.clock.advance(timedelta(seconds=1))
    assert (await refused(get(served, job_id))).reason == Reason.JOB_NOT_FOUND
