"""Jobs on a real PostgreSQL: JobsService over a real port, and handlers that do what a test tells them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import grpc
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from kaiwa.jobs.v1 import jobs_service_pb2_grpc as rpc
from server.adapters.postgres.engine import libpq_url
from server.adapters.postgres.job_changes import PostgresJobChanges
from server.adapters.postgres.tables import UserRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork, unit_of_work_factory
from server.errors import ApplicationError
from server.jobs.cancel_job import CancelJob
from server.jobs.domain.job import Job
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import ExportResult, JobResult
from server.jobs.get_job import GetJob
from server.jobs.list_jobs import ListJobs
from server.jobs.run_job import Effect, Handler, Run, RunJob
from server.jobs.servicer import JobsServicer, JobsUseCases
from server.jobs.start_job import StartJob
from server.jobs.watch_job import WatchJob
from server.kernel.identity import Caller, Role, SessionId, UserId
from server.rpc.server import Service
from server.rpc.wire import PageTokens
from tests.support.kernel import NOON, CountingIds, FixedClock
from tests.support.rpc import Served, serving

MIKA = UserId("0198c0de-0000-7000-8000-00000000aaaa")
KEN = UserId("0198c0de-0000-7000-8000-00000000bbbb")
NOBODYS = "0198c0de-0000-7000-8000-00000000ffff"
JOBS = "kaiwa.jobs.v1.JobsService"


def token(user_id: UserId = MIKA) -> tuple[tuple[str, str], ...]:
    """Metadata of a caller."""
    return (("authorization", f"Bearer {user_id}"),)


class ScriptedHandler:
    """Does what it is told to: as many attempts as there are scripts, the last for all that follow.

    Attributes:
        attempts: the number of each attempt begun.
        effects: how often an effect was tried; what was stored is seen in the database.
    """

    def __init__(self, *scripts: Callable[[Run[PostgresUnitOfWork]], Awaitable[None]]) -> None:
        self._scripts = list(scripts)
        self.attempts: list[int] = []

    async def __call__(self, run: Run[PostgresUnitOfWork]) -> Effect[PostgresUnitOfWork, JobResult]:
        self.attempts.append(run.job.attempts)
        if self._scripts:
            script = self._scripts.pop(0) if len(self._scripts) > 1 else self._scripts[0]
            await script(run)

        async def effect(uow: PostgresUnitOfWork) -> JobResult:
            return ExportResult(7)

        return effect


def failing(error: ApplicationError | Exception) -> Callable[[Run[PostgresUnitOfWork]], Awaitable[None]]:
    """A script that fails."""

    async def fail(run: Run[PostgresUnitOfWork]) -> None:
        raise error

    return fail


@dataclass(slots=True)
class Jobs:
    """Jobs of two accounts.

    Attributes:
        begun: set by `wait_forever` once it waits.
    """

    engine: AsyncEngine
    clock: FixedClock = field(default_factory=FixedClock)
    ids: CountingIds = field(default_factory=CountingIds)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    expires_in: timedelta = timedelta(days=1)
    ended: ApplicationError | None = None

    @property
    def unit_of_work(self) -> Callable[[], PostgresUnitOfWork]:
        """Opens a transaction."""
        return unit_of_work_factory(self.engine)

    async def start(self, user_id: UserId = MIKA, kind: JobKind = JobKind.EXPORT, subject_id: str | None = None) -> str:
        """A new job; a second after the one before."""
        self.clock.advance(timedelta(seconds=1))
        async with self.unit_of_work() as uow:
            job_id = await StartJob(self.clock, self.ids)(uow, user_id, kind, {"omit_audio": True}, subject_id)
            await uow.commit()
        return job_id

    async def job(self, job_id: str) -> Job:
        """A job as it is stored."""
        async with self.unit_of_work() as uow:
            job = await uow.jobs.lock(job_id)
        assert job is not None
        return job

    async def put(self, job: Job) -> None:
        """Stores a job's next step."""
        async with self.unit_of_work() as uow:
            await uow.jobs.save(job)
            await uow.commit()

    def runner(self, handler: Handler[PostgresUnitOfWork], **options: object) -> RunJob[PostgresUnitOfWork]:
        """Runs exports with a handler, with a beat that tests need not wait for."""
        beat = timedelta(milliseconds=20)
        return RunJob(
            self.unit_of_work,
            {JobKind.EXPORT: handler},
            self.clock,
            **{"beat": beat, **options},  # type: ignore[arg-type]
        )

    async def wait_forever(self, run: Run[PostgresUnitOfWork]) -> None:
        """A script that never ends by itself."""
        self.begun.set()
        await asyncio.Event().wait()

    async def check(self, caller: Caller) -> None:
        """Raises `ended`, where it is set."""
        if self.ended is not None:
            raise self.ended


async def with_two_accounts(engine: AsyncEngine) -> Jobs:
    """Mika and Ken, without jobs."""
    async with engine.begin() as connection:
        for user_id, name in ((MIKA, "mika"), (KEN, "ken")):
            row = {"id": user_id, "email": f"{name}@example.org", "username": name, "password_hash": "x"}
            await connection.execute(insert(UserRow).values(**row, created_at=NOON, updated_at=NOON))
    return Jobs(engine)


@dataclass(slots=True)
class ServedJobs:
    """JobsService that answers.

    Attributes:
        stub: connected to it; `token()` says who calls.
    """

    jobs: Jobs
    stub: rpc.JobsServiceAsyncStub
    watch_job: WatchJob
    served: Served


@asynccontextmanager
async def serving_jobs(
    jobs: Jobs, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[ServedJobs]:
    """Serves JobsService over a real port; a token is the id of its user."""
    unit_of_work, clock = jobs.unit_of_work, jobs.clock

    async def authenticate(token: str) -> Caller:
        session = SessionId("0198c0de-0000-7000-8000-0000000000ff")
        return Caller(UserId(token), Role.STUDENT, session, clock.now() + jobs.expires_in)

    changes = PostgresJobChanges(libpq_url(jobs.engine.url.render_as_string(hide_password=False)))
    watch_job = WatchJob(GetJob(unit_of_work, clock), changes, jobs.check, clock, sleep)
    use_cases = JobsUseCases(
        get_job=GetJob(unit_of_work, clock),
        watch_job=watch_job,
        cancel_job=CancelJob(unit_of_work, clock),
        list_jobs=ListJobs(unit_of_work, clock),
    )
    service = Service(JOBS, rpc.add_JobsServiceServicer_to_server, JobsServicer(use_cases, PageTokens(b"s" * 32)))
    async with serving([service], authenticate=authenticate) as served:
        try:
            yield ServedJobs(jobs, stub(served.channel), watch_job, served)
        finally:
            await changes.close()


def stub(channel: grpc.aio.Channel) -> rpc.JobsServiceAsyncStub:
    """The generated client."""
    return rpc.JobsServiceStub(channel)
