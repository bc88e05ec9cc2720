"""Workers that are killed at random points of many jobs. Run as a program it is such a worker.

Each job does a few steps and a last part, each of which leaves one row: so what was done twice, or not at all, shows.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from server.adapters.clock import SystemClock, UuidV7Source
from server.adapters.postgres.engine import create_engine, libpq_url
from server.adapters.postgres.tables import UserRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork, unit_of_work_factory
from server.config import Settings, Worker
from server.jobs.cancel_job import CancelJob
from server.jobs.domain.job import Job, JobState
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import JobResult, RescoringResult
from server.jobs.get_job import GetJob
from server.jobs.run_job import BEAT, Effect, Run
from server.jobs.start_job import StartJob
from server.kernel.identity import Caller, Role, SessionId, UserId
from server.worker import Pace, work

ROOT = Path(__file__).parents[2]
PACE = Pace(beat=timedelta(milliseconds=200), silent_for=timedelta(seconds=1), look=timedelta(milliseconds=200))
_PROGRAM = "import sys; from tests.support.killed_workers import main; main(sys.argv[1:])"
_LOOK = """
    SELECT id::text, done, ended_at IS NULL,
        state = 'running' AND heartbeat_at > clock_timestamp() - interval '400 milliseconds'
    FROM jobs
"""
"""Each job with whether it has not ended, and whether a worker is at it."""
_OWNER = UserId("0198c0de-0000-7000-8000-00000000aaaa")


class Steps:
    """Does the steps that earlier attempts have not done, each with its row.

    Args:
        steps: how many.
        pause: seconds between them.
    """

    def __init__(self, steps: int, pause: float) -> None:
        self._steps = steps
        self._pause = pause

    async def __call__(self, run: Run[PostgresUnitOfWork]) -> Effect[PostgresUnitOfWork, JobResult]:
        for step in range(run.job.progress.done, self._steps):
            await asyncio.sleep(self._pause)
            await run.step(_mark(run.job.id, str(step)), done=step + 1)
        last = _mark(run.job.id, "last")

        async def effect(uow: PostgresUnitOfWork) -> JobResult:
            await last(uow)
            return RescoringResult(self._steps, 0, 0, "")

        return effect


def _mark(job_id: str, part: str) -> Effect[PostgresUnitOfWork, None]:
    async def mark(uow: PostgresUnitOfWork) -> None:
        await uow.session.execute(text("INSERT INTO done VALUES (:job_id, :part)"), {"job_id": job_id, "part": part})

    return mark


def main(arguments: Sequence[str]) -> None:
    """Works until it is killed."""
    url, home, steps, pause, beat = arguments
    settings = Settings(home=Path(home), database_url=url, worker=Worker(jobs=8))
    handlers = {JobKind.RESCORING: Steps(int(steps), float(pause))}
    asyncio.run(work(settings, asyncio.Event(), lambda _: handlers, replace(PACE, beat=timedelta(seconds=float(beat)))))


@dataclass(frozen=True, slots=True)
class Survival:
    """What became of the jobs.

    Attributes:
        kills: how often a worker was killed.
        seconds: how long it took in all.
        states: how many jobs ended how.
        attempts: how many attempts there were in all.
        missing: parts that were not done.
        repeated: parts that were done more than once.
        went_back: how often progress was seen to go back.
    """

    kills: int
    seconds: float
    states: Counter[str]
    attempts: int
    missing: int
    repeated: int
    went_back: int


async def queue_jobs(url: str, count: int) -> None:
    """Makes an account, unless it is there, and its jobs on a migrated database."""
    engine = create_engine(url)
    now, ids = datetime.now(UTC), UuidV7Source()
    async with engine.begin() as connection:
        row = {"id": _OWNER, "email": "mika@example.org", "username": "mika", "password_hash": "x"}
        account = insert(UserRow).values(**row, created_at=now, updated_at=now)
        await connection.execute(account.on_conflict_do_nothing())
        await connection.execute(text("CREATE TABLE IF NOT EXISTS done (job_id uuid NOT NULL, part text NOT NULL)"))
    unit_of_work = unit_of_work_factory(engine)
    for _ in range(count):
        async with unit_of_work() as uow:
            job = Job.asked(ids.new_id(), _OWNER, JobKind.RESCORING, SystemClock().now(), {})
            # Far more workers die here than a job of any kind is meant to outlive.
            await uow.jobs.add(replace(job, max_attempts=1000))
            await uow.commit()
    await engine.dispose()


def survive(
    url: str,
    home: Path,
    *,
    jobs: int,
    workers: int,
    kills: int,
    seed: int,
    steps: int,
    pause: float,
    limit: float,
) -> Survival:
    """Kills workers, each followed by another, while any is at a job, until all jobs have ended.

    Args:
        url: a migrated database, which it fills.
        home: the workers' folder.
        jobs: how many jobs.
        workers: processes at once.
        kills: how many of them are killed at most, each up to a second after the one before.
        seed: of the random moments.
        steps, pause: what each job does.
        limit: seconds after which it gives up waiting.
    """
    asyncio.run(queue_jobs(url, jobs))
    chance = random.Random(seed)
    began = time.monotonic()
    running = [_start(url, str(home), steps, pause) for _ in range(workers)]
    killed, went_back, shown = 0, 0, Counter[str]()
    kill_at = began + 2
    try:
        with psycopg.connect(libpq_url(url), autocommit=True) as connection:
            while time.monotonic() < began + limit:
                rows = connection.execute(_LOOK).fetchall()
                for job_id, done, _, _ in rows:
                    went_back += done < shown[job_id]
                    shown[job_id] = done
                # Where a worker takes long to start, killing one before it has begun anything would show nothing.
                busy = any(beats for _, _, _, beats in rows)
                if killed < kills and busy and time.monotonic() >= kill_at:
                    victim = running.pop(chance.randrange(len(running)))
                    victim.send_signal(signal.SIGKILL)
                    victim.wait()
                    killed += 1
                    running.append(_start(url, str(home), steps, pause))
                    kill_at = time.monotonic() + chance.uniform(0.2, 1.0)
                if not any(unfinished for _, _, unfinished, _ in rows):
                    break
                time.sleep(0.02)
            states: Counter[str] = Counter(
                dict(connection.execute("SELECT state, count(*) FROM jobs GROUP BY state").fetchall())
            )
            (attempts,) = connection.execute("SELECT sum(attempts) FROM jobs").fetchone() or (0,)
            parts = connection.execute("SELECT count(*) FROM done GROUP BY job_id, part").fetchall()
    finally:
        for process in running:
            process.kill()
            process.wait()
    return Survival(
        kills=killed,
        seconds=time.monotonic() - began,
        states=states,
        attempts=int(attempts),
        missing=jobs * (steps + 1) - len(parts),
        repeated=sum(count - 1 for (count,) in parts),
        went_back=went_back,
    )


def cancel_each(url: str, home: Path, *, jobs: int, seed: int, limit: float) -> list[float]:
    """Seconds between telling a job to stop and its end, of jobs that run in one worker at the usual beat.

    Args:
        url: a migrated database, which it fills.
        home: the worker's folder.
        jobs: how many jobs, one after another.
        seed: of the random moments.
        limit: seconds after which it gives up waiting for one.
    """
    return asyncio.run(_cancel_each(url, home, jobs, seed, limit))


async def _cancel_each(url: str, home: Path, jobs: int, seed: int, limit: float) -> list[float]:
    await queue_jobs(url, 0)
    chance, clock, ids = random.Random(seed), SystemClock(), UuidV7Source()
    engine = create_engine(url)
    unit_of_work = unit_of_work_factory(engine)
    start, cancel, get = StartJob(clock, ids), CancelJob(unit_of_work, clock), GetJob(unit_of_work, clock)
    owner = Caller(_OWNER, Role.STUDENT, SessionId(_OWNER), datetime.max.replace(tzinfo=UTC))
    worker = _start(url, str(home), 100_000, 0.05, BEAT.total_seconds())

    async def until(job_id: str, state: JobState) -> float:
        began = time.monotonic()
        async with asyncio.timeout(limit):
            while (await get(owner, job_id)).state is not state:  # noqa: ASYNC110 - it is in another process
                await asyncio.sleep(0.005)
        return time.monotonic() - began

    try:
        taken = []
        for _ in range(jobs):
            async with unit_of_work() as uow:
                job_id = await start(uow, _OWNER, JobKind.RESCORING, {})
                await uow.commit()
            await until(job_id, JobState.RUNNING)
            await asyncio.sleep(chance.uniform(0, 1.5))
            await cancel(owner, job_id)
            taken.append(await until(job_id, JobState.CANCELLED))
        return taken
    finally:
        worker.kill()
        worker.wait()
        await engine.dispose()


def _start(url: str, home: str, steps: int, pause: float, beat: float | None = None) -> subprocess.Popen[bytes]:
    beat = PACE.beat.total_seconds() if beat is None else beat
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, url, home, str(steps), str(pause), str(beat)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
