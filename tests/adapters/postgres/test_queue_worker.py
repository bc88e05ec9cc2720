"""Workers of the queue: jobs when they come, chores by the clock, and an end in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from server.adapters.postgres.engine import libpq_url
from server.adapters.postgres.queue_worker import QueueWorker, Timed
from server.jobs.domain.job import JobState
from tests.support.jobs import Jobs, ScriptedHandler, with_two_accounts


@asynccontextmanager
async def working(
    url: str, run_job: Callable[[str], Awaitable[None]], chores: Sequence[Timed] = (), workers: int = 1
) -> AsyncIterator[None]:
    """Workers until the block ends; they find work by being notified."""
    grace, poll = timedelta(milliseconds=50), timedelta(hours=1)
    tasks = [
        asyncio.create_task(QueueWorker(libpq_url(url), run_job, chores, grace=grace, poll=poll)())
        for _ in range(workers)
    ]
    try:
        async with asyncio.timeout(20):
            yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until_state(jobs: Jobs, job_id: str, state: JobState) -> None:
    while (await jobs.job(job_id)).state is not state:
        pass


async def left(engine: AsyncEngine) -> bool:
    async with engine.connect() as connection:
        found = await connection.execute(text("SELECT 1 FROM procrastinate.procrastinate_jobs LIMIT 1"))
        return found.first() is not None


async def test_jobs_are_run_as_they_come_and_leave_nothing_in_the_queue(engine: AsyncEngine, database_url: str) -> None:
    jobs = await with_two_accounts(engine)
    handler = ScriptedHandler()
    early = await jobs.start()
    async with working(database_url, jobs.runner(handler)):
        await until_state(jobs, early, JobState.SUCCEEDED)
        late = await jobs.start()
        await until_state(jobs, late, JobState.SUCCEEDED)
        while await left(engine):
            pass
    assert handler.attempts == [1, 1]


async def test_a_chore_that_was_missed_is_done_by_one_worker(engine: AsyncEngine, database_url: str) -> None:
    missed = datetime.now(UTC) - timedelta(minutes=30)
    done: list[str] = []
    both = asyncio.Event()

    def chore(name: str) -> Timed:
        async def run() -> None:
            done.append(name)
            if len(done) >= 2:
                both.set()

        return Timed(name, f"{missed.minute} {missed.hour} * * *", run)

    jobs = Jobs(engine)
    chores = [chore("first"), chore("second")]
    async with working(database_url, jobs.runner(ScriptedHandler()), chores, workers=3):
        await both.wait()
        while await left(engine):
            pass
    assert sorted(done) == ["first", "second"]


async def test_what_is_not_done_when_it_stops_is_given_back(engine: AsyncEngine, database_url: str) -> None:
    jobs = await with_two_accounts(engine)
    job_id = await jobs.start()
    async with working(database_url, jobs.runner(ScriptedHandler(jobs.wait_forever))):
        await jobs.begun.wait()
    job = await jobs.job(job_id)
    assert (job.state, job.attempts, job.max_attempts) == (JobState.QUEUED, 1, 6)
    handler = ScriptedHandler()
    async with working(database_url, jobs.runner(handler)):
        await until_state(jobs, job_id, JobState.SUCCEEDED)
    assert handler.attempts == [2]
