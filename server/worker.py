"""The worker: runs jobs and tidies up now and then, in a process of its own. Any number of workers may run at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeAlias

import structlog

from server.accounts.remove_old_exports import RemoveExpiredExports, RemoveOrphanedExports
from server.adapters.clock import SystemClock, UuidV7Source
from server.adapters.object_store import ObjectAudioStore, open_store
from server.adapters.postgres.database import database_url
from server.adapters.postgres.engine import create_engine, libpq_url
from server.adapters.postgres.maintenance import PostgresMaintenance
from server.adapters.postgres.queue_worker import QueueWorker, Timed
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork, snapshot_factory, unit_of_work_factory
from server.config import Settings
from server.content.remove_orphaned_files import RemoveOrphanedFiles
from server.errors import ApplicationError
from server.jobs.domain.kinds import JobKind
from server.jobs.run_job import BEAT, Handler, RunJob
from server.jobs.take_up_jobs import SILENT_FOR, TakeUpJobs
from server.kernel.clock import Clock, IdSource
from server.learning.recompute_statistics import RecomputeStatistics
from server.speech.remove_orphaned_audio import RemoveOrphanedAudio

EXPIRED_KEPT = timedelta(days=7)
"""How long what has expired is kept, so that its late use is told as that."""
ANSWERS_KEPT = timedelta(days=7)
"""How long a repeated `request_id` gets the first answer."""
EXPORTS_REMEMBERED = timedelta(days=30)
"""How long an export whose archive is gone is told as expired."""
SPEAKING_SESSION_IDLE = timedelta(hours=12)
"""How long a speaking session stays open without an attempt; the contract says so."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon a worker's death is noticed.

    Attributes:
        beat: how often an attempt says that it is alive.
        silent_for: an attempt that has not said so for so long is given up for dead.
        look: how often each worker looks for jobs that others have left.
    """

    beat: timedelta = BEAT
    silent_for: timedelta = SILENT_FOR
    look: timedelta = timedelta(seconds=5)


Handlers: TypeAlias = Mapping[JobKind, Handler[PostgresUnitOfWork]]


@dataclass(frozen=True, slots=True)
class Workshop:
    """What handlers of jobs are made of.

    Attributes:
        settings: what is set.
        resources: takes apart at the end what has been made.
        snapshot: opens transactions that see the database as it was at their first look.
        store: where audio and archives are kept.
    """

    settings: Settings
    resources: AsyncExitStack
    unit_of_work: Callable[[], PostgresUnitOfWork]
    snapshot: Callable[[], PostgresUnitOfWork]
    store: ObjectAudioStore
    clock: Clock
    ids: IdSource


MakeHandlers: TypeAlias = Callable[[Workshop], Handlers]

_log = structlog.get_logger("kaiwa.worker")


class Maintenance(Protocol):
    """What there is to tidy up; each gives how many it has changed."""

    async def delete_expired_sessions(self, before: datetime) -> int: ...
    async def delete_expired_refresh_tokens(self, before: datetime) -> int: ...
    async def delete_expired_mailed_tokens(self, before: datetime) -> int: ...
    async def forget_answers(self, before: datetime) -> int: ...
    async def end_forgotten_speaking_sessions(self, before: datetime) -> int: ...
    async def delete_expired_jobs(self, before: datetime) -> int: ...
    async def expire_imports(self, before: datetime) -> int: ...
    async def forget_exports(self, before: datetime) -> int: ...
    async def forget_dead_deliveries(self, before: datetime) -> int: ...


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to be done again and again, by one worker each time.

    Attributes:
        name: for the queue and the log.
        cron: when, as cron has it, UTC.
        age: what is older than this is dealt with.
        run: does it, for everything before a time.
    """

    name: str
    cron: str
    age: timedelta
    run: Callable[[datetime], Awaitable[int]]


Tidy: TypeAlias = Callable[[datetime], Awaitable[int]]
"""Deals with everything before a time; gives how much that was."""


def chores(
    maintenance: Maintenance,
    *,
    remove_orphaned_audio: Tidy,
    remove_expired_exports: Tidy,
    remove_orphaned_exports: Tidy,
    check_statistics: Tidy,
    remove_orphaned_files: Tidy,
) -> tuple[Chore, ...]:
    """All chores, each with its times."""
    return (
        Chore("expired sessions", "3 * * * *", EXPIRED_KEPT, maintenance.delete_expired_sessions),
        Chore("expired refresh tokens", "6 * * * *", EXPIRED_KEPT, maintenance.delete_expired_refresh_tokens),
        Chore("expired mailed tokens", "7 * * * *", timedelta(0), maintenance.delete_expired_mailed_tokens),
        Chore("first answers", "9 * * * *", ANSWERS_KEPT, maintenance.forget_answers),
        Chore("expired exports", "11 * * * *", timedelta(0), remove_expired_exports),
        Chore("forgotten exports", "17 * * * *", EXPORTS_REMEMBERED, maintenance.forget_exports),
        Chore("orphaned exports", "33 3 * * *", timedelta(days=1), remove_orphaned_exports),
        Chore("expired imports", "14 * * * *", timedelta(0), maintenance.expire_imports),
        Chore("orphaned uploads and recordings", "43 3 * * *", timedelta(days=1), remove_orphaned_files),
        Chore("expired jobs", "12 * * * *", timedelta(0), maintenance.delete_expired_jobs),
        Chore("orphaned audio", "23 3 * * *", timedelta(days=1), remove_orphaned_audio),
        Chore("statistics", "41 3 * * *", timedelta(days=1), check_statistics),
        Chore("dead deliveries", "* * * * *", timedelta(minutes=1), maintenance.forget_dead_deliveries),
        Chore(
            "forgotten speaking sessions",
            "*/10 * * * *",
            SPEAKING_SESSION_IDLE,
            maintenance.end_forgotten_speaking_sessions,
        ),
    )


async def do_chore(chore: Chore, clock: Clock) -> None:
    """Does a chore once. One that fails is logged and left for the next time."""
    try:
        changed = await chore.run(clock.now() - chore.age)
    except ApplicationError as error:
        _log.warning("chore failed", chore=chore.name, reason=error.reason.value)
    except Exception:
        _log.exception("chore failed", chore=chore.name)
    else:
        if changed:
            _log.info("chore done", chore=chore.name, changed=changed)


async def work(settings: Settings, stop: asyncio.Event, make_handlers: MakeHandlers, pace: Pace = Pace()) -> None:
    """Runs jobs and does chores until `stop` is set; jobs under way then end or are given back.

    Args:
        settings: what is set.
        stop: set when the worker is to end.
        make_handlers: gives who does the work of each kind of job.
        pace: how soon the death of another worker is noticed.

    Raises:
        EmbeddedPostgresError: no database was named, and our own can't be started.
    """
    async with AsyncExitStack() as resources:
        url = resources.enter_context(database_url(settings.database_url, settings.home))
        # A job has up to three transactions and a beat at once.
        engine = create_engine(url, pool_size=2 + 4 * settings.worker.jobs, application_name="kaiwa-worker")
        resources.push_async_callback(engine.dispose)
        clock = SystemClock()
        unit_of_work = unit_of_work_factory(engine)
        maintenance = PostgresMaintenance(engine)
        store = ObjectAudioStore(open_store(settings.object_store_url, settings.home / "objects"))
        snapshot = snapshot_factory(engine)
        handlers = make_handlers(Workshop(settings, resources, unit_of_work, snapshot, store, clock, UuidV7Source()))
        todo = chores(
            maintenance,
            remove_orphaned_audio=RemoveOrphanedAudio(store, maintenance),
            remove_expired_exports=RemoveExpiredExports(store, maintenance),
            remove_orphaned_exports=RemoveOrphanedExports(store, maintenance),
            check_statistics=RecomputeStatistics(unit_of_work, clock).lately_changed,
            remove_orphaned_files=RemoveOrphanedFiles(store, maintenance),
        )
        worker = QueueWorker(
            libpq_url(url),
            RunJob(unit_of_work, handlers, clock, pace.beat),
            [Timed(chore.name, chore.cron, partial(do_chore, chore, clock)) for chore in todo],
            concurrency=settings.worker.jobs,
        )
        take_up = TakeUpJobs(unit_of_work, clock, pace.silent_for, pace.silent_for)
        _log.info("worker started", chores=[chore.name for chore in todo])
        async with asyncio.TaskGroup() as tasks:
            loops = [tasks.create_task(worker()), tasks.create_task(_look_after(take_up, pace.look))]
            await stop.wait()
            for loop in loops:
                loop.cancel()
        _log.info("worker stopped")


async def _look_after(take_up: TakeUpJobs, every: timedelta) -> None:
    """Takes up what died with other workers."""
    while True:
        try:
            if taken := await take_up():
                _log.info("jobs taken up", jobs=taken)
        except ApplicationError as error:
            _log.warning("can't look for jobs to take up", reason=error.reason.value)
        except Exception:
            _log.exception("can't look for jobs to take up")
        await asyncio.sleep(every.total_seconds())
