"""Tells of changes to jobs, whichever process made them, by PostgreSQL's NOTIFY."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator

import psycopg
from psycopg.conninfo import make_conninfo

from server.adapters.postgres.engine import PATIENCE
from server.adapters.postgres.repositories.jobs import CHANNEL, read_notification
from server.jobs.domain.job import Farewell

_AGAIN = 1.0
"""Seconds between tries to reach a database that is away."""

_log = logging.getLogger("kaiwa.jobs")


class Watch:
    """One watcher's view of a job.

    Attributes:
        farewell: how it ended, once it is no more.
    """

    def __init__(self) -> None:
        self.farewell: Farewell | None = None
        self._changed = asyncio.Event()

    def tell(self, farewell: Farewell | None = None) -> None:
        """Says that something may have changed, or that the job is no more."""
        self.farewell = farewell or self.farewell
        self._changed.set()

    async def wait(self) -> None:
        """Returns once something may have changed since the last call (at first: since the watch began)."""
        await self._changed.wait()
        self._changed.clear()


class PostgresJobChanges:
    """Listens on one connection for all watchers of this process, while there are any.

    While the database is away, and when it is back, watchers are told that there may have been changes: a notification
    that nobody heard is lost.

    Args:
        dsn: as libpq takes it.
    """

    def __init__(self, dsn: str) -> None:
        self._dsn = make_conninfo(dsn, **PATIENCE)
        self._watches: defaultdict[str, set[Watch]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    @contextlib.asynccontextmanager
    async def watch(self, job_id: str) -> AsyncIterator[Watch]:
        """Watches a job until the block ends; from its beginning on no change is missed."""
        watch = Watch()
        self._watches[job_id].add(watch)
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen(), name="job changes")
        try:
            await self._listening.wait()
            yield watch
        finally:
            self._watches[job_id].discard(watch)
            if not self._watches[job_id]:
                del self._watches[job_id]
            if not self._watches:
                await self.close()

    async def close(self) -> None:
        """Stops listening; who still watches hears nothing more."""
        listener, self._listener = self._listener, None
        self._listening.clear()
        if listener is not None:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            try:
                async with await psycopg.AsyncConnection.connect(self._dsn, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self._listening.set()
                    self._tell_all()
                    async for notification in connection.notifies():
                        job_id, farewell = read_notification(notification.payload)
                        for watch in self._watches.get(job_id, ()):
                            watch.tell(farewell)
            except (psycopg.Error, OSError) as error:
                _log.warning("can't listen for changes of jobs", extra={"error": type(error).__name__})
            # Reading the job tells its watcher that the database is away; waiting for it here would not.
            self._listening.set()
            self._tell_all()
            await asyncio.sleep(_AGAIN)

    def _tell_all(self) -> None:
        for watches in self._watches.values():
            for watch in watches:
                watch.tell()
