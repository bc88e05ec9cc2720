"""How an attempt goes, and that what it does is done once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from server.adapters.postgres.tables import SystemConfigRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.errors import ApplicationError, InvalidInput, Reason, Unavailable
from server.jobs.domain.job import JobState, Progress
from server.jobs.domain.kinds import LONGEST_PAUSE, JobKind, Terms
from server.jobs.domain.results import DeletionResult, ExportResult, ImportResult, JobResult
from server.jobs.run_job import Effect, Outcome, Run, RunJob, Superseded, WithOwner
from tests.support.jobs import MIKA, Jobs, ScriptedHandler, failing
from tests.support.secrets import logging_as_in_production

AWAY = Unavailable(Reason.STORAGE_UNAVAILABLE, "The store is away.")


async def mark(uow: PostgresUnitOfWork) -> None:
    """An effect that shows in the database each time it is stored."""
    await uow.session.execute(
        text("INSERT INTO system_config (key, value, updated_at) VALUES (gen_random_uuid()::text, 'mark', now())")
    )


async def marks(jobs: Jobs) -> int:
    async with jobs.engine.connect() as connection:
        return (await connection.execute(select(func.count()).select_from(SystemConfigRow))).scalar_one()


async def test_a_job_that_succeeds(jobs: Jobs) -> None:
    job_id = await jobs.start()

    async def work(run: Run[PostgresUnitOfWork]) -> None:
        assert run.job.input == {"omit_audio": True}
        run.report(1, 2, "export.gathering")
        await run.step(mark)
        stored = await jobs.job(job_id)
        assert (stored.state, stored.progress) == (JobState.RUNNING, Progress(1, 2, "export.gathering"))

    await jobs.runner(ScriptedHandler(work))(job_id)
    job = await jobs.job(job_id)
    assert (job.state, job.attempts, job.result) == (JobState.SUCCEEDED, 1, ExportResult(7))
    assert job.progress == Progress(2, 2, "export.gathering")
    assert await marks(jobs) == 1


async def test_a_job_is_run_once_however_often_it_is_delivered(jobs: Jobs) -> None:
    job_id = await jobs.start()
    handler = ScriptedHandler()
    await asyncio.gather(*(jobs.runner(handler)(job_id) for _ in range(5)))
    await jobs.runner(handler)(job_id)
    await jobs.runner(handler)("0198c0de-0000-7000-8000-00000000ffff")
    assert handler.attempts == [1]


async def test_progress_is_shown_while_it_runs_and_never_goes_back(jobs: Jobs) -> None:
    job_id = await jobs.start()
    seen: list[int] = []

    async def shown(run: Run[PostgresUnitOfWork], done: int) -> None:
        run.report(done, 10)
        while (progress := (await jobs.job(job_id)).progress).done < done:
            seen.append(progress.done)
        seen.append(progress.done)

    async def first(run: Run[PostgresUnitOfWork]) -> None:
        await shown(run, 4)
        raise AWAY

    async def second(run: Run[PostgresUnitOfWork]) -> None:
        run.report(1)
        await shown(run, 6)

    handler = ScriptedHandler(first, second)
    await jobs.runner(handler)(job_id)
    assert (await jobs.job(job_id)).progress.done == 4
    await jobs.runner(handler)(job_id)
    assert seen == sorted(seen)
    assert handler.attempts == [1, 2]


async def test_what_may_pass_is_tried_again_after_a_pause(jobs: Jobs) -> None:
    job_id = await jobs.start()
    handler = ScriptedHandler(failing(AWAY), failing(AWAY), nothing)
    await jobs.runner(handler)(job_id)
    job = await jobs.job(job_id)
    assert (job.state, job.due_at - jobs.clock.now()) == (JobState.QUEUED, timedelta(seconds=10))
    async with jobs.engine.connect() as connection:
        due = await connection.execute(
            text("SELECT max(scheduled_at) FROM procrastinate.procrastinate_jobs WHERE status = 'todo'")
        )
        assert due.scalar_one() <= job.due_at
    await jobs.runner(handler)(job_id)
    assert (await jobs.job(job_id)).due_at - jobs.clock.now() == timedelta(seconds=20)
    await jobs.runner(handler)(job_id)
    assert (await jobs.job(job_id)).state is JobState.SUCCEEDED


async def nothing(run: Run[PostgresUnitOfWork]) -> None:
    """A script with nothing in it."""


async def test_attempts_come_to_an_end(jobs: Jobs) -> None:
    job_id = await jobs.start()
    handler = ScriptedHandler(failing(AWAY))
    for _ in range(7):
        await jobs.runner(handler)(job_id)
    job = await jobs.job(job_id)
    assert handler.attempts == [1, 2, 3, 4, 5]
    assert job.failure is not None
    assert (job.state, job.failure.reason) == (JobState.FAILED, Reason.JOB_ATTEMPTS_EXHAUSTED)


async def test_what_does_not_pass_fails_at_once_and_says_why(jobs: Jobs) -> None:
    job_id = await jobs.start()
    error = InvalidInput("file", "is empty", reason=Reason.UPLOAD_EMPTY, metadata={"limit": "3"})
    await jobs.runner(ScriptedHandler(failing(error)))(job_id)
    job = await jobs.job(job_id)
    assert job.failure is not None
    assert (job.state, job.failure.reason, job.failure.message) == (
        JobState.FAILED,
        Reason.UPLOAD_EMPTY,
        "file: is empty",
    )
    assert dict(job.failure.metadata) == {"field": "file", "limit": "3"}


@pytest.mark.parametrize("error", [ValueError("planted-secret"), KeyError("planted-secret")])
async def test_a_bug_is_told_by_its_id_only(jobs: Jobs, error: Exception) -> None:
    job_id = await jobs.start()
    await jobs.runner(ScriptedHandler(failing(error)))(job_id)
    failure = (await jobs.job(job_id)).failure
    assert failure is not None
    assert failure.reason is Reason.INTERNAL
    assert set(dict(failure.metadata)) == {"error_id"}
    assert "planted-secret" not in repr(failure)


async def test_a_kind_that_nobody_handles_fails(jobs: Jobs) -> None:
    job_id = await jobs.start(kind=JobKind.IMPORT)
    await jobs.runner(ScriptedHandler())(job_id)
    assert (await jobs.job(job_id)).state is JobState.FAILED


async def test_an_attempt_that_takes_too_long(jobs: Jobs) -> None:
    job_id = await jobs.start()
    terms = {JobKind.EXPORT: Terms(longest=timedelta(milliseconds=50))}
    await jobs.runner(ScriptedHandler(jobs.wait_forever), terms=terms)(job_id)
    failure = (await jobs.job(job_id)).failure
    assert failure is not None
    assert (failure.reason, dict(failure.metadata)) == (Reason.JOB_TIMED_OUT, {"limit_seconds": "0.05"})


async def test_a_worker_that_stops_gives_its_job_back(jobs: Jobs) -> None:
    job_id = await jobs.start()
    running = asyncio.create_task(jobs.runner(ScriptedHandler(jobs.wait_forever))(job_id))
    await jobs.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    job = await jobs.job(job_id)
    assert (job.state, job.attempts, job.max_attempts) == (JobState.QUEUED, 1, 6)
    assert job.due_at == jobs.clock.now()


async def test_an_attempt_given_up_for_dead_stores_nothing_any_more(jobs: Jobs) -> None:
    """The job is taken up by another worker while the first still works: only the second's work is stored."""
    job_id = await jobs.start()
    refused: list[str] = []

    async def overtaken(run: Run[PostgresUnitOfWork]) -> None:
        stalled = await jobs.job(job_id)
        await jobs.put(stalled.interrupted(jobs.clock.now()))
        await jobs.runner(SecondHandler())(job_id)
        try:
            await run.step(mark)
        except Superseded:
            refused.append("step")
            raise

    # Its beat would notice before it tries to store anything.
    await jobs.runner(ScriptedHandler(overtaken), beat=timedelta(hours=1))(job_id)
    assert refused == ["step"]
    assert await marks(jobs) == 1
    job = await jobs.job(job_id)
    assert (job.state, job.attempts) == (JobState.SUCCEEDED, 2)


async def test_nor_does_it_end_the_job(jobs: Jobs) -> None:
    job_id = await jobs.start()

    async def overtaken(run: Run[PostgresUnitOfWork]) -> None:
        await jobs.put((await jobs.job(job_id)).interrupted(jobs.clock.now()))
        await jobs.put((await jobs.job(job_id)).begun(jobs.clock.now()))
        raise ValueError("too late")

    await jobs.runner(ScriptedHandler(overtaken), beat=timedelta(hours=1))(job_id)
    job = await jobs.job(job_id)
    assert (job.state, job.attempts, job.failure) == (JobState.RUNNING, 2, None)


async def test_its_beat_tells_it_to_stop(jobs: Jobs) -> None:
    job_id = await jobs.start()
    running = asyncio.create_task(jobs.runner(ScriptedHandler(jobs.wait_forever))(job_id))
    await jobs.begun.wait()
    await jobs.put((await jobs.job(job_id)).interrupted(jobs.clock.now()))
    async with asyncio.timeout(5):
        await running
    assert (await jobs.job(job_id)).state is JobState.QUEUED


async def test_the_last_part_is_stored_with_the_end_or_not_at_all(jobs: Jobs) -> None:
    job_id = await jobs.start()

    class Cancelled:
        """Is told to stop while it does its last part."""

        async def __call__(self, run: Run[PostgresUnitOfWork]) -> Effect[PostgresUnitOfWork, JobResult]:
            async def effect(uow: PostgresUnitOfWork) -> JobResult:
                await mark(uow)
                job = await jobs.job(job_id)
                await jobs.put(job.told_to_stop(jobs.clock.now()))
                return ExportResult(1)

            return effect

    runner: RunJob[PostgresUnitOfWork] = RunJob(jobs.unit_of_work, {JobKind.EXPORT: Cancelled()}, jobs.clock)
    await runner(job_id)
    assert await marks(jobs) == 0
    assert (await jobs.job(job_id)).state is JobState.CANCELLED


async def test_a_result_of_another_kind_is_a_bug(jobs: Jobs) -> None:
    job_id = await jobs.start()

    class Wrong:
        async def __call__(self, run: Run[PostgresUnitOfWork]) -> Effect[PostgresUnitOfWork, JobResult]:
            async def effect(uow: PostgresUnitOfWork) -> JobResult:
                return ImportResult("x")

            return effect

    runner: RunJob[PostgresUnitOfWork] = RunJob(jobs.unit_of_work, {JobKind.EXPORT: Wrong()}, jobs.clock)
    await runner(job_id)
    failure = (await jobs.job(job_id)).failure
    assert failure is not None
    assert failure.reason is Reason.INTERNAL


async def test_a_fault_while_it_is_told_to_stop_is_a_cancellation(jobs: Jobs) -> None:
    job_id = await jobs.start()

    async def stopped(run: Run[PostgresUnitOfWork]) -> None:
        await jobs.put((await jobs.job(job_id)).told_to_stop(jobs.clock.now()))
        raise ApplicationError(Reason.UPLOAD_EMPTY, "The file is empty.")

    await jobs.runner(ScriptedHandler(stopped), beat=timedelta(hours=1))(job_id)
    job = await jobs.job(job_id)
    assert (job.state, job.failure) == (JobState.CANCELLED, None)


async def test_a_repeated_report_is_no_change(jobs: Jobs) -> None:
    job_id = await jobs.start()
    begun = (await jobs.job(job_id)).begun(jobs.clock.now())
    await jobs.put(replace(begun, progress=Progress(3, 4, "a")))
    jobs.clock.advance(timedelta(minutes=1))
    async with jobs.unit_of_work() as uow:
        state = await uow.jobs.beat(job_id, 1, Progress(2, 4, "a"), jobs.clock.now())
        assert state is JobState.RUNNING
        assert await uow.jobs.beat(job_id, 2, Progress(4), jobs.clock.now()) is None
        await uow.commit()
    job = await jobs.job(job_id)
    assert (job.progress, job.updated_at) == (Progress(3, 4, "a"), begun.updated_at)


class SecondHandler:
    """Does the work that the first attempt wanted to."""

    async def __call__(self, run: Run[PostgresUnitOfWork]) -> Effect[PostgresUnitOfWork, JobResult]:
        await run.step(mark)

        async def effect(uow: PostgresUnitOfWork) -> JobResult:
            return ExportResult(2)

        return effect


async def test_what_an_attempt_keeps_is_there_for_the_next(jobs: Jobs) -> None:
    job_id = await jobs.start()
    seen: list[dict[str, object]] = []

    async def work(run: Run[PostgresUnitOfWork]) -> None:
        seen.append(dict(run.checkpoint))
        run.checkpoint["files"] = 3
        await run.step(mark)
        run.checkpoint["files"] = 4
        raise AWAY

    handler = ScriptedHandler(work, work)
    await jobs.runner(handler)(job_id)
    await jobs.put(replace(await jobs.job(job_id), due_at=jobs.clock.now()))
    await jobs.runner(handler)(job_id)
    assert seen == [{}, {"files": 3}]


async def test_a_job_that_goes_with_its_owner_is_no_more(jobs: Jobs) -> None:
    job_id = await jobs.start(kind=JobKind.DELETION)

    async def handler(run: Run[PostgresUnitOfWork]) -> Effect[PostgresUnitOfWork, Outcome[PostgresUnitOfWork]]:
        async def remove_owner(uow: PostgresUnitOfWork) -> None:
            await uow.users.delete(MIKA)

        async def finish(uow: PostgresUnitOfWork) -> Outcome[PostgresUnitOfWork]:
            await mark(uow)
            return WithOwner(DeletionResult(1, 0), remove_owner)

        return finish

    await RunJob(jobs.unit_of_work, {JobKind.DELETION: handler}, jobs.clock)(job_id)
    async with jobs.unit_of_work() as uow:
        assert await uow.jobs.lock(job_id) is None
        assert await uow.users.get(MIKA) is None
    assert await marks(jobs) == 1


@pytest.mark.parametrize("error", [AWAY, InvalidInput("x", "is wrong"), ValueError("a bug")])
async def test_a_kind_that_does_not_give_up_is_tried_again_whatever_happens(jobs: Jobs, error: Exception) -> None:
    job_id = await jobs.start(kind=JobKind.DELETION)
    await jobs.put(replace(await jobs.job(job_id), attempts=99))
    runner = RunJob(jobs.unit_of_work, {JobKind.DELETION: ScriptedHandler(failing(error))}, jobs.clock)
    for attempts in (100, 101):
        await runner(job_id)
        job = await jobs.job(job_id)
        assert (job.state, job.attempts, job.failure) == (JobState.QUEUED, attempts, None)
        assert job.max_attempts > attempts
        assert job.due_at == jobs.clock.now() + LONGEST_PAUSE


async def test_nothing_is_logged_of_a_job_that_succeeds(jobs: Jobs) -> None:
    with logging_as_in_production() as log:
        await jobs.runner(ScriptedHandler())(await jobs.start())
    assert log.text == ""
