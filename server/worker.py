"""The worker: what has to be done now and then, in a process of its own. Any number of workers may run at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from server.adapters.clock import SystemClock
from server.adapters.postgres.database import database_url
from server.adapters.postgres.engine import create_engine
from server.adapters.postgres.maintenance import PostgresMaintenance
from server.config import Settings
from server.errors import ApplicationError
from server.kernel.clock import Clock

EXPIRED_KEPT = timedelta(days=7)
"""How long what has expired is kept, so that its late use is told as that."""
ANSWERS_KEPT = timedelta(days=7)
"""How long a repeated `request_id` gets the first answer."""
SPEAKING_SESSION_IDLE = timedelta(hours=12)
"""How long a speaking session stays open without an attempt; the contract says so."""

_log = structlog.get_logger("kaiwa.worker")


class Maintenance(Protocol):
    """What there is to tidy up; each gives how many it has changed."""

    async def delete_expired_sessions(self, before: datetime) -> int: ...
    async def delete_expired_refresh_tokens(self, before: datetime) -> int: ...
    async def forget_answers(self, before: datetime) -> int: ...
    async def end_forgotten_speaking_sessions(self, before: datetime) -> int: ...


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to be done again and again.

    Attributes:
        name: for the log.
        every: from one end to the next beginning.
        age: what is older than this is dealt with.
        run: does it, for everything before a time.
    """

    name: str
    every: timedelta
    age: timedelta
    run: Callable[[datetime], Awaitable[int]]


def chores(maintenance: Maintenance) -> tuple[Chore, ...]:
    """All chores, each with its times."""
    hourly = timedelta(hours=1)
    return (
        Chore("expired sessions", hourly, EXPIRED_KEPT, maintenance.delete_expired_sessions),
        Chore("expired refresh tokens", hourly, EXPIRED_KEPT, maintenance.delete_expired_refresh_tokens),
        Chore("first answers", hourly, ANSWERS_KEPT, maintenance.forget_answers),
        Chore(
            "forgotten speaking sessions",
            timedelta(minutes=10),
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


async def work(settings: Settings, stop: asyncio.Event) -> None:
    """Does every chore at once and then in its time, until `stop` is set.

    Raises:
        EmbeddedPostgresError: no database was named, and our own can't be started.
    """
    async with AsyncExitStack() as resources:
        url = resources.enter_context(database_url(settings.database_url, settings.home))
        engine = create_engine(url, pool_size=2, application_name="kaiwa-worker")
        resources.push_async_callback(engine.dispose)
        todo = chores(PostgresMaintenance(engine))
        _log.info("worker started", chores=[chore.name for chore in todo])
        async with asyncio.TaskGroup() as tasks:
            loops = [tasks.create_task(_again_and_again(chore, SystemClock())) for chore in todo]
            await stop.wait()
            for loop in loops:
                loop.cancel()
        _log.info("worker stopped")


async def _again_and_again(chore: Chore, clock: Clock) -> None:
    while True:
        await do_chore(chore, clock)
        await asyncio.sleep(chore.every.total_seconds())
