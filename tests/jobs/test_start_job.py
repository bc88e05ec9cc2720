"""How a job begins: in the transaction of whoever needs it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from server.adapters.postgres.tables import JobRow
from server.errors import Reason, ResourceExhausted
from server.jobs.domain.job import JobState
from server.jobs.domain.kinds import JobKind
from server.jobs.start_job import MOST_UNFINISHED, StartJob
from tests.support.jobs import KEN, MIKA, Jobs


async def counts(jobs: Jobs) -> tuple[int, int]:
    """Jobs, and what waits in the queue."""
    async with jobs.engine.connect() as connection:
        stored = await connection.execute(select(func.count()).select_from(JobRow))
        queued = await connection.execute(text("SELECT count(*) FROM procrastinate.procrastinate_jobs"))
        return stored.scalar_one(), queued.scalar_one()


async def test_a_job_and_its_place_in_the_queue_are_stored_together(jobs: Jobs) -> None:
    job_id = await jobs.start()
    assert await counts(jobs) == (1, 1)
    job = await jobs.job(job_id)
    assert (job.state, job.input, job.due_at) == (JobState.QUEUED, {"omit_audio": True}, jobs.clock.now())


async def test_without_a_commit_there_is_neither(jobs: Jobs) -> None:
    async with jobs.unit_of_work() as uow:
        await StartJob(jobs.clock, jobs.ids)(uow, MIKA, JobKind.EXPORT, {})
    assert await counts(jobs) == (0, 0)


async def test_an_account_has_only_so_many_unfinished_jobs(jobs: Jobs) -> None:
    started = [await jobs.start() for _ in range(MOST_UNFINISHED)]
    with pytest.raises(ResourceExhausted) as raised:
        await jobs.start()
    assert raised.value.reason is Reason.TOO_MANY_JOBS
    assert raised.value.metadata == {"limit": "10"}
    assert raised.value.retry_after == timedelta(seconds=30)
    await jobs.start(KEN)
    await jobs.start(kind=JobKind.DELETION)
    await jobs.put((await jobs.job(started[0])).cancelled(jobs.clock.now()))
    async with jobs.unit_of_work() as uow:
        assert await uow.jobs.count_unfinished(MIKA) == MOST_UNFINISHED


async def test_nor_when_many_are_asked_for_at_once(jobs: Jobs) -> None:
    outcomes = await asyncio.gather(*(jobs.start() for _ in range(MOST_UNFINISHED + 3)), return_exceptions=True)
    assert sum(isinstance(outcome, ResourceExhausted) for outcome in outcomes) == 3
    assert (await counts(jobs))[0] == MOST_UNFINISHED
