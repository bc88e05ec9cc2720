"""All jobs of an account are told to stop."""

from __future__ import annotations

from server.jobs.domain.job import JobState
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import ExportResult
from server.jobs.stop_jobs import StopJobs
from tests.support.jobs import KEN, MIKA, Jobs


async def stop(jobs: Jobs) -> int:
    async with jobs.unit_of_work() as uow:
        running = await StopJobs(jobs.clock)(uow, MIKA)
        await uow.commit()
    return running


async def test_those_that_wait_end_and_those_that_run_are_told(jobs: Jobs) -> None:
    waits, runs, ended = [await jobs.start() for _ in range(3)]
    deletion, anothers = await jobs.start(kind=JobKind.DELETION), await jobs.start(KEN)
    now = jobs.clock.now()
    await jobs.put((await jobs.job(runs)).begun(now))
    await jobs.put((await jobs.job(ended)).begun(now).succeeded(ExportResult(1), now))

    assert await stop(jobs) == 1

    states = [(await jobs.job(job_id)).state for job_id in (waits, runs, ended, deletion, anothers)]
    assert states == [
        JobState.CANCELLED,
        JobState.CANCELLING,
        JobState.SUCCEEDED,
        JobState.QUEUED,
        JobState.QUEUED,
    ]
    await jobs.put((await jobs.job(runs)).cancelled(now))
    assert await stop(jobs) == 0
