"""Work that no answer waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta

import structlog

from server.errors import ApplicationError

_log = structlog.get_logger("kaiwa.background")


class BackgroundTasks:
    """Runs work beside the calls.

    Args:
        limit: how much may be under way; further work is dropped, with a line in the log.
    """

    def __init__(self, limit: int = 256) -> None:
        self._limit = limit
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[object, object, None]) -> None:
        """Begins work; what fails is logged."""
        if len(self._tasks) >= self._limit:
            work.close()
            _log.warning("background work dropped", limit=self._limit)
            return
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self, grace: timedelta = timedelta(seconds=5)) -> None:
        """Waits for what is under way, and ends what takes longer than the grace."""
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace.total_seconds())
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)


async def _logged(work: Coroutine[object, object, None]) -> None:
    try:
        await work
    except ApplicationError as error:
        _log.warning("background work failed", reason=error.reason.value)
    except Exception:
        _log.exception("background work failed")
