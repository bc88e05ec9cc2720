"""Takes jobs from procrastinate's queue and runs them, and does chores by the clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import procrastinate
import psycopg
from procrastinate.exceptions import ConnectorException

from server.adapters.postgres.engine import PATIENCE
from server.adapters.postgres.queue import QUEUE, SCHEMA, TASK

CHORES = "chores"
"""The queue of chores."""
GRACE = timedelta(seconds=5)
"""Within what the supervisor gives a worker to stop."""
_AGAIN = 2.0
"""Seconds between tries to reach a database that is away."""
_LATE = timedelta(days=1)
"""A chore that was missed since then is done when a worker starts."""

_log = logging.getLogger("kaiwa.worker")


@dataclass(frozen=True, slots=True)
class Timed:
    """Something to be done by the clock, once each time however many workers there are.

    Attributes:
        name: unique.
        cron: when, as cron has it, UTC.
        run: does it; it deals with its own failures.
    """

    name: str
    cron: str
    run: Callable[[], Awaitable[None]]


class QueueWorker:
    """Works until it is cancelled.

    Args:
        dsn: the database, as libpq takes it.
        run_job: runs the job with an id.
        chores: what is done by the clock.
        concurrency: jobs and chores at once.
        poll: how long to wait for a notification before looking for work.
        grace: how long jobs under way may go on when it is told to stop; then they are given back.
    """

    def __init__(
        self,
        dsn: str,
        run_job: Callable[[str], Awaitable[None]],
        chores: Sequence[Timed] = (),
        *,
        concurrency: int = 4,
        poll: timedelta = timedelta(seconds=5),
        grace: timedelta = GRACE,
    ) -> None:
        self._dsn = dsn
        self._run_job = run_job
        self._chores = tuple(chores)
        self._concurrency = concurrency
        self._poll = poll
        self._grace = grace

    async def __call__(self) -> None:
        """Works; waits for a database that is away to be back. Cancelled, it gives jobs under way time to end."""
        while True:
            try:
                await self._work()
            except (ConnectorException, psycopg.Error) as error:
                _log.warning("the queue can't be reached", extra={"error": type(error).__name__})
            await asyncio.sleep(_AGAIN)

    async def _work(self) -> None:
        app = self._app()
        async with app.open_async():
            await app.run_worker_async(
                queues=[QUEUE, CHORES],
                concurrency=self._concurrency,
                fetch_job_polling_interval=self._poll.total_seconds(),
                shutdown_graceful_timeout=self._grace.total_seconds(),
                delete_jobs="always",
                install_signal_handlers=False,
            )

    def _app(self) -> procrastinate.App:
        connector = procrastinate.PsycopgConnector(
            conninfo=self._dsn,
            # procrastinate's SQL names nothing by schema.
            kwargs={
                "options": f"-c search_path={SCHEMA} -c TimeZone=UTC",
                "application_name": "kaiwa-queue",
                **PATIENCE,
            },
            min_size=1,
            max_size=4,
        )
        app = procrastinate.App(connector=connector, periodic_defaults={"max_delay": _LATE.total_seconds()})

        async def run_job(job_id: str) -> None:
            await self._run_job(job_id)

        app.task(name=TASK, queue=QUEUE)(run_job)
        for chore in self._chores:
            _add(app, chore)
        return app


def _add(app: procrastinate.App, chore: Timed) -> None:
    async def run(timestamp: int) -> None:
        await chore.run()

    # One that was missed and one that is due are one.
    task = app.task(name=chore.name, queue=CHORES, queueing_lock=chore.name)(run)
    app.periodic(cron=chore.cron)(task)
