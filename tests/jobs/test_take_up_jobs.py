"""Jobs that nobody works at any more."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from server.errors import Reason
from server.jobs.domain.job import Job, JobState
from server.jobs.take_up_jobs import OVERDUE_FOR, TakeUpJobs
from tests.support.jobs import Jobs

AT_ONCE = timedelta(0)


async def begun(jobs: Jobs, times: int = 1) -> Job:
    """A job that runs, its last attempt being the given one; its delivery is forgotten."""
    job = await jobs.job(await jobs.start())
    for _ in range(times - 1):
        job = job.begun(jobs.clock.now()).interrupted(jobs.clock.now())
    job = job.begun(jobs.clock.now())
    await jobs.put(job)
    await forget_deliveries(jobs)
    return job


async def forget_deliveries(jobs: Jobs) -> None:
    async with jobs.engine.begin() as connection:
        await connection.execute(text("SET LOCAL search_path TO procrastinate"))
        await connection.execute(text("DELETE FROM procrastinate_jobs"))


async def deliveries(jobs: Jobs) -> list[str]:
    async with jobs.engine.connect() as connection:
        found = await connection.execute(
            text("SELECT args->>'job_id' FROM procrastinate.procrastinate_jobs WHERE status = 'todo'")
        )
        return list(found.scalars())


async def test_an_attempt_that_is_alive_is_left_alone(jobs: Jobs) -> None:
    job = await begun(jobs)
    assert await TakeUpJobs(jobs.unit_of_work, jobs.clock)() == 0
    assert await jobs.job(job.id) == job


async def test_a_silent_one_is_queued_again_at_once_the_first_time(jobs: Jobs) -> None:
    job = await begun(jobs)
    assert await TakeUpJobs(jobs.unit_of_work, jobs.clock, AT_ONCE)() == 1
    again = await jobs.job(job.id)
    assert (again.state, again.due_at) == (JobState.QUEUED, jobs.clock.now())
    assert await deliveries(jobs) == [job.id]


async def test_and_later_after_a_pause(jobs: Jobs) -> None:
    job = await begun(jobs, times=3)
    await TakeUpJobs(jobs.unit_of_work, jobs.clock, AT_ONCE)()
    assert (await jobs.job(job.id)).due_at - jobs.clock.now() == timedelta(seconds=40)


async def test_one_whose_workers_keep_dying_is_given_up(jobs: Jobs) -> None:
    job = await begun(jobs, times=5)
    await TakeUpJobs(jobs.unit_of_work, jobs.clock, AT_ONCE)()
    failure = (await jobs.job(job.id)).failure
    assert failure is not None
    assert failure.reason is Reason.JOB_ATTEMPTS_EXHAUSTED


async def test_one_that_was_told_to_stop_is_cancelled(jobs: Jobs) -> None:
    job = await begun(jobs)
    await jobs.put(job.told_to_stop(jobs.clock.now()))
    await TakeUpJobs(jobs.unit_of_work, jobs.clock, AT_ONCE)()
    assert (await jobs.job(job.id)).state is JobState.CANCELLED
    assert await deliveries(jobs) == []


async def test_a_job_whose_delivery_was_lost_is_delivered_again(jobs: Jobs) -> None:
    job_id = await jobs.start()
    take_up = TakeUpJobs(jobs.unit_of_work, jobs.clock)
    jobs.clock.advance(OVERDUE_FOR * 2)
    assert await take_up() == 0
    await forget_deliveries(jobs)
    assert await take_up() == 1
    assert await deliveries(jobs) == [job_id]
    assert await take_up() == 0
