"""After a deletion nothing is left of the account, and everything of everybody else."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from typing import TypeVar

import grpc
import pytest
import redis.asyncio
from sqlalchemy import create_engine, insert
from sqlalchemy.ext.asyncio import AsyncEngine

from kaiwa.accounts.v1 import accounts_service_pb2 as pb
from kaiwa.jobs.v1 import job_pb2, jobs_service_pb2
from server.accounts.domain.user import User
from server.accounts.erase_account import EraseAccount
from server.adapters.clock import UuidV7Source
from server.adapters.mail import to_folder
from server.adapters.object_store import ObjectAudioStore, open_store
from server.adapters.postgres.holdings import HOLDINGS
from server.adapters.postgres.tables import SpeakingSessionRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork, snapshot_factory, unit_of_work_factory
from server.assembly.account_jobs import DeletionJob
from server.assembly.limits import rate_limits
from server.errors import Aborted, Reason, Unavailable
from server.jobs.domain.kinds import JobKind
from server.jobs.run_job import Effect, Outcome, Run, RunJob
from server.jobs.stop_jobs import StopJobs
from server.kernel.identity import Role, UserId
from server.kernel.rates import Rate
from server.worker import Workshop
from tests.support.assembled import PASSWORD, address
from tests.support.furnished import Place
from tests.support.kernel import NOON, FixedClock
from tests.support.ownership import dump, files_naming, found_in
from tests.support.rpc import Failure, failure_of

T = TypeVar("T")


def database(place: Place) -> dict[str, list[str]]:
    """Every row of the database, but those of the queue of chores."""
    engine = create_engine(place.database_url)
    with engine.connect() as connection:
        rows = dump(connection)
    engine.dispose()
    return rows


async def delete_me(place: Place, password: str = PASSWORD, role: Role = Role.STUDENT) -> str:
    request = pb.DeleteMeRequest(password=password)
    return (await place.accounts.DeleteMe(request, metadata=place.signed_in(role))).job_id


async def failure(call: Awaitable[object]) -> Failure:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


def mail(place: Place, to: str, greeting: str) -> None:
    message = EmailMessage()
    message["To"] = to
    message["Subject"] = "Your address was changed"
    message.set_content(f"Hello {greeting},\n\nyour account now has another address.\n")
    to_folder(place.mail, UuidV7Source())(message)


async def in_redis(url: str) -> list[str]:
    """Every key with its value."""
    async with redis.asyncio.Redis.from_url(url) as client:
        return [f"{key!r} {await client.dump(key)!r}" async for key in client.scan_iter()]


async def test_nothing_is_left_of_the_one_and_everything_of_the_other(
    place: Place, redis_url: str, stack: AsyncExitStack
) -> None:
    mika, ken = place.mika, place.ken
    place.settings = replace(place.settings, redis_url=redis_url)
    limiter = rate_limits(place.settings, stack)
    for person in (mika, ken):
        for rate in (Rate.NORMAL, Rate.COSTLY, Rate.AUDIO):
            await limiter.hit(rate, person.user_id)
        mail(place, person.email.upper(), "somebody")
        mail(place, person.new_email, "somebody")
        mail(place, f"old-{person.username}@example.net", person.username)
    before = database(place)
    assert found_in(before, mika.names)
    assert any(mika.user_id in key for key in await in_redis(redis_url))
    assert files_naming(place.settings.home, mika.names)
    kens_rows = found_in(before, ken.names)
    kens_files = {path: path.read_bytes() for path in files_naming(place.settings.home, ken.names) if path.is_file()}
    kens_keys = {key for key in await in_redis(redis_url) if ken.user_id in key}

    async with place.working():
        export = await place.export()
        job = await place.watched(await delete_me(place))
        assert job.kind == job_pb2.JOB_KIND_DELETION
        assert job.state == job_pb2.JOB_STATE_SUCCEEDED
        assert job.deletion_result.deleted_files >= 3
        assert job.deletion_result.deleted_records >= len(mika.filled)
        assert job.progress.done == job.progress.total

    after = database(place)
    assert found_in(after, (*mika.names, job.id, export)) == {}
    assert files_naming(place.settings.home, (*mika.names, "old-the-student")) == []
    assert [key for key in await in_redis(redis_url) if mika.user_id in key or mika.email in key] == []
    assert found_in(after, ken.names) == kens_rows
    assert {path: path.read_bytes() for path in kens_files} == kens_files
    assert {key for key in await in_redis(redis_url) if ken.user_id in key} == kens_keys
    # What was shared stays, and what administrators did stays on record, without the name.
    left = {table: [row for row in rows if row not in before[table]] for table, rows in after.items()}
    assert {table for table, rows in left.items() if rows and table.startswith("public.")} <= {
        "public.audit_log",
        "public.pronunciations",
        "public.system_config",
    }
    for table in ("public.audit_log", "public.pronunciations", "public.system_config"):
        assert len(left[table]) >= 1
    gone = await failure(place.jobs.GetJob(jobs_service_pb2.GetJobRequest(job_id=job.id), metadata=place.signed_in()))
    assert (gone.code, gone.reason) == (grpc.StatusCode.UNAUTHENTICATED, Reason.SESSION_REVOKED)
    again = await failure(place.accounts.Login(pb.LoginRequest(login=mika.email, password=PASSWORD)))
    assert again.reason == Reason.INVALID_CREDENTIALS
    # The name is free again.
    await place.accounts.Register(pb.RegisterRequest(email=mika.email, username=mika.username, password=PASSWORD))


async def test_from_the_answer_on_only_the_deletion_can_be_seen(place: Place) -> None:
    other = await place.accounts.Login(pb.LoginRequest(login=address(Role.STUDENT), password=PASSWORD))
    export = await place.export()
    job_id = await delete_me(place)

    assert await delete_me(place) == job_id
    mine, others = place.signed_in(), (("authorization", f"Bearer {other.tokens.access_token}"),)
    calls: Sequence[Awaitable[object]]
    job = (await place.jobs.GetJob(jobs_service_pb2.GetJobRequest(job_id=job_id), metadata=mine)).job
    assert (job.kind, job.state) == (job_pb2.JOB_KIND_DELETION, job_pb2.JOB_STATE_QUEUED)
    calls = (
        place.accounts.GetMe(pb.GetMeRequest(), metadata=mine),
        place.accounts.ExportMyData(pb.ExportMyDataRequest(), metadata=mine),
        place.accounts.Logout(pb.LogoutRequest(), metadata=mine),
        place.accounts.ListUsers(pb.ListUsersRequest(), metadata=mine),
        place.jobs.GetJob(jobs_service_pb2.GetJobRequest(job_id=export), metadata=mine),
        place.jobs.ListJobs(jobs_service_pb2.ListJobsRequest(), metadata=mine),
        place.jobs.CancelJob(jobs_service_pb2.CancelJobRequest(job_id=job_id), metadata=mine),
        place.accounts.Login(pb.LoginRequest(login=address(Role.STUDENT), password=PASSWORD)),
    )
    for call in calls:
        told = await failure(call)
        assert (told.code, told.reason) == (grpc.StatusCode.PERMISSION_DENIED, Reason.ACCOUNT_DELETION_STARTED)
        assert told.metadata == {"job_id": job_id}
    refused: Sequence[tuple[Awaitable[object], Reason]] = (
        (place.accounts.Login(pb.LoginRequest(login=address(Role.STUDENT), password="x")), Reason.INVALID_CREDENTIALS),
        (
            place.accounts.RefreshTokens(pb.RefreshTokensRequest(refresh_token=other.tokens.refresh_token)),
            Reason.REFRESH_TOKEN_INVALID,
        ),
        (place.accounts.GetMe(pb.GetMeRequest(), metadata=others), Reason.SESSION_REVOKED),
        (place.accounts.DeleteMe(pb.DeleteMeRequest(password="x"), metadata=mine), Reason.PASSWORD_INCORRECT),
    )
    for refusing, reason in refused:
        assert (await failure(refusing)).reason == reason


class Dies:
    """Does a deletion, and dies at the operation with a number: like a worker that was killed there."""

    def __init__(self, inner: DeletionJob, store: DyingStore) -> None:
        self._inner = inner
        self._store = store

    async def __call__(self, run: Run[PostgresUnitOfWork]) -> Effect[PostgresUnitOfWork, Outcome[PostgresUnitOfWork]]:
        step = run.step

        async def counted_step(effect: Effect[PostgresUnitOfWork, object], done: int | None = None) -> object:
            self._store.count()
            made = await step(effect, done)
            self._store.count()
            return made

        run.step = counted_step  # type: ignore[method-assign, assignment]
        finish = await self._inner(run)

        async def dying_finish(uow: PostgresUnitOfWork) -> Outcome[PostgresUnitOfWork]:
            outcome = await finish(uow)
            self._store.count()
            return outcome

        return dying_finish


class DyingStore(ObjectAudioStore):
    """An object store that counts what is done to it, and to the database; at one count everything ends."""

    die_at: int | None = None
    counted = 0

    def count(self) -> None:
        self.counted += 1
        if self.counted == self.die_at:
            raise Unavailable(Reason.STORAGE_UNAVAILABLE, "Killed.")

    async def delete(self, key: str) -> None:
        self.count()
        await super().delete(key)
        self.count()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def objects(place: Place) -> DyingStore:
    return DyingStore(open_store(None, place.objects))


def deletion(
    place: Place, stack: AsyncExitStack, engine: AsyncEngine, store: DyingStore, clock: FixedClock
) -> RunJob[PostgresUnitOfWork]:
    unit_of_work = unit_of_work_factory(engine)
    workshop = Workshop(place.settings, stack, unit_of_work, snapshot_factory(engine), store, clock, UuidV7Source())
    handlers = {JobKind.DELETION: Dies(DeletionJob(workshop), store)}
    return RunJob(unit_of_work, handlers, clock, beat=timedelta(seconds=60))


async def test_killed_between_any_two_steps_it_ends_the_same(
    place: Place, stack: AsyncExitStack, engine: AsyncEngine, objects: DyingStore
) -> None:
    job_id = await delete_me(place)
    clock = FixedClock()
    watching = asyncio.create_task(place.watched(job_id))
    attempts = 0
    files = len([path for path in place.objects.rglob("*") if place.mika.user_id in str(path) and path.is_file()])
    while place.mika.user_id in str(database(place)["public.users"]):
        attempts += 1
        objects.counted, objects.die_at = 0, attempts
        await deletion(place, stack, engine, objects, clock)(job_id)
        assert attempts < 200
    job = await watching
    assert attempts > 15
    assert job.attempts == attempts
    # As if it had been done in one go.
    assert job.deletion_result.deleted_files == files == 3
    assert job.deletion_result.deleted_records == job.progress.total - files
    assert found_in(database(place), place.mika.names) == {}
    assert files_naming(place.settings.home, place.mika.names) == []


async def test_it_never_gives_up(place: Place, stack: AsyncExitStack, engine: AsyncEngine, objects: DyingStore) -> None:
    job_id = await delete_me(place)
    clock = FixedClock()
    for _ in range(105):
        objects.counted, objects.die_at = 0, 1
        await deletion(place, stack, engine, objects, clock)(job_id)
    async with unit_of_work_factory(engine)() as uow:
        job = await uow.jobs.lock(job_id)
    assert job is not None
    assert (job.state.value, job.attempts, job.failure) == ("queued", 105, None)
    assert job.max_attempts > 105


async def test_what_comes_meanwhile_goes_too(place: Place, stack: AsyncExitStack, engine: AsyncEngine) -> None:
    """Something was still being stored when the deletion had dealt with its like already."""
    job_id = await delete_me(place)
    late = place.objects / "attempts" / place.mika.user_id / "late.flac"

    class Late(DyingStore):
        listed = 0

        async def list(self, prefix: str) -> AsyncIterator[Sequence[str]]:
            async for keys in super().list(prefix):
                yield keys
            self.listed += 1
            # Two folders are counted, then emptied, then looked at once more.
            if self.listed == 4:
                late.parent.mkdir(parents=True, exist_ok=True)
                late.write_bytes(b"fLaC")

    class LateTrace:
        async def forget(self, user: User, addresses: frozenset[str]) -> None:
            if late.exists():
                async with engine.begin() as connection:
                    row = {"id": str(uuid.uuid4()), "user_id": user.id, "started_at": NOON}
                    await connection.execute(insert(SpeakingSessionRow).values(row))

    store = Late(open_store(None, place.objects))
    unit_of_work = unit_of_work_factory(engine)
    erase = EraseAccount(tuple(HOLDINGS.values()), StopJobs(FixedClock()), store, [LateTrace()], asyncio.sleep)
    async with unit_of_work() as uow:
        job = await uow.jobs.lock(job_id)
        assert job is not None
        begun = job.begun(NOON)
        await uow.jobs.save(begun)
        await uow.commit()
    run = Run(begun, unit_of_work, FixedClock())
    last = await erase(UserId(place.mika.user_id), run)
    async with unit_of_work() as uow:
        erased = await last(uow)
        await uow.users.delete(UserId(place.mika.user_id))
        await uow.commit()
    assert erased.files == 4
    assert files_naming(place.objects, place.mika.names) == []
    assert found_in(database(place), place.mika.names) == {}


async def test_jobs_that_do_not_stop_put_it_off(place: Place, engine: AsyncEngine) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def one_runs(uow: PostgresUnitOfWork, user_id: UserId) -> int:
        return 1

    class Steps:
        def __init__(self) -> None:
            self.checkpoint: dict[str, object] = {}

        def report(self, done: int, total: int | None = None, stage: str = "") -> None:
            assert stage == "deletion.stopping"

        async def step(self, effect: Callable[[PostgresUnitOfWork], Awaitable[T]]) -> T:
            async with unit_of_work_factory(engine)() as uow:
                return await effect(uow)

    store = ObjectAudioStore(open_store(None, place.objects))
    with pytest.raises(Aborted) as refused:
        await EraseAccount(tuple(HOLDINGS.values()), one_runs, store, [], sleep)(UserId(place.mika.user_id), Steps())
    assert refused.value.reason is Reason.CONCURRENT_CHANGE
    assert len(slept) == 40


async def test_the_last_administrator_stays(place: Place) -> None:
    admin = address(Role.ADMIN)
    told = await failure(
        place.accounts.DeleteMe(pb.DeleteMeRequest(password=PASSWORD), metadata=place.signed_in(Role.ADMIN))
    )
    assert (told.code, told.reason) == (grpc.StatusCode.FAILED_PRECONDITION, Reason.LAST_ADMIN)
    await place.accounts.Login(pb.LoginRequest(login=admin, password=PASSWORD))
