"""Work that no answer waits for: done when somebody says that there is some, and now and then without."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from server.errors import ApplicationError

_log = structlog.get_logger("kaiwa.background")


class Rounds:
    """Does one kind of work again and again, one round after another.

    Args:
        name: for the log.
        work: does all there is. What fails is logged, and left for the next round.
        every: the longest time between two rounds.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[object]], every: timedelta) -> None:
        self._name = name
        self._work = work
        self._every = every.total_seconds()
        self._woken = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins with a round: somebody may have left work."""
        self._task = asyncio.create_task(self._go_round(), name=self._name)

    def wake(self) -> None:
        """Says that there is work. Never waits and never fails."""
        self._woken.set()

    async def close(self, grace: timedelta = timedelta(seconds=5)) -> None:
        """Does a last round, and ends it if it takes longer than the grace: what is left is for others."""
        if self._task is None:
            return
        self._closing = True
        self.wake()
        _, late = await asyncio.wait({self._task}, timeout=grace.total_seconds())
        for task in late:
            _log.warning("background work left for later", work=self._name)
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _go_round(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._work()
            except ApplicationError as error:
                _log.warning("background work failed", work=self._name, reason=error.reason.value)
            except Exception:
                _log.exception("background work failed", work=self._name)
            if self._closing and not self._woken.is_set():
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every):
                    await self._woken.wait()
