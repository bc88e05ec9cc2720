"""A clock that moves only when a test says so."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class ManualTime:
    """Steady time in seconds; `sleep` ends when `advance` has moved past its end."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = itertools.count()

    def steady(self) -> float:
        """Seconds on this clock."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Waits on this clock."""
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), woken))
        await woken

    async def advance(self, seconds: float) -> None:
        """Moves on, waking sleepers in their order and letting what they wake run."""
        target = self.now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= target + 1e-9:
            at, _, woken = heapq.heappop(self._sleepers)
            self.now = max(self.now, at)
            if not woken.done():
                woken.set_result(None)
            await settle()
        self.now = target
        await settle()


async def settle() -> None:
    """Lets every task run until it waits for something from outside."""
    for _ in range(50):
        await asyncio.sleep(0)
