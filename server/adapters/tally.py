"""Counts that are forgotten after a while: in this process, or shared in Redis."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from limits.errors import StorageError

from server.accounts.ports import Tally
from server.adapters.limiter import connections_to, redis_storage
from server.kernel.clock import Clock

_log = structlog.get_logger("kaiwa.tally")


@dataclass(slots=True)
class _Count:
    value: int
    until: datetime


class MemoryTally:
    """Counts in this process.

    Args:
        clock: tells the time.
        most: counts that are kept; past it, those that would be forgotten first are.
    """

    def __init__(self, clock: Clock, most: int = 100_000) -> None:
        self._clock = clock
        self._most = most
        self._counts: dict[str, _Count] = {}

    @property
    def size(self) -> int:
        """How many counts are kept."""
        return len(self._counts)

    async def add(self, key: str, life: timedelta) -> int:
        """Counts one more; the count with it."""
        if (found := self._find(key)) is None:
            self._make_room()
            found = self._counts[key] = _Count(0, self._clock.now() + life)
        found.value += 1
        return found.value

    async def count(self, key: str) -> int:
        """The count as it is; 0 where there is none."""
        found = self._find(key)
        return 0 if found is None else found.value

    async def remaining(self, key: str) -> timedelta:
        """How long the count is still kept; zero where there is none."""
        found = self._find(key)
        return timedelta(0) if found is None else found.until - self._clock.now()

    async def clear(self, key: str) -> None:
        """Forgets a count."""
        self._counts.pop(key, None)

    def _find(self, key: str) -> _Count | None:
        found = self._counts.get(key)
        if found is not None and found.until <= self._clock.now():
            del self._counts[key]
            return None
        return found

    def _make_room(self) -> None:
        if len(self._counts) < self._most:
            return
        # A tenth at a time, so that it is seldom done.
        going = sorted(self._counts, key=lambda key: self._counts[key].until)[: max(1, self._most // 10)]
        for key in going:
            del self._counts[key]


class RedisTally:
    """Counts in Redis, and in another tally while that can't be reached: then each process counts for itself.

    Args:
        url: as redis-py takes it.
        instead: counts meanwhile.
    """

    def __init__(self, url: str, instead: Tally) -> None:
        self._connections = connections_to(url)
        self._storage = redis_storage(self._connections)
        self._instead = instead

    async def close(self) -> None:
        """Ends the connections."""
        await self._connections.aclose()

    async def add(self, key: str, life: timedelta) -> int:
        """Counts one more; the count with it. Lives are rounded up to seconds."""
        try:
            return await self._storage.incr(key, math.ceil(life.total_seconds()))
        except StorageError as error:
            _warn(error)
            return await self._instead.add(key, life)

    async def count(self, key: str) -> int:
        """The count as it is; 0 where there is none."""
        try:
            return await self._storage.get(key)
        except StorageError as error:
            _warn(error)
            return await self._instead.count(key)

    async def remaining(self, key: str) -> timedelta:
        """How long the count is still kept; zero where there is none."""
        try:
            if not await self._storage.get(key):
                return timedelta(0)
            # Redis tells whole seconds.
            left = await self._storage.get_expiry(key) - time.time()
        except StorageError as error:
            _warn(error)
            return await self._instead.remaining(key)
        return timedelta(seconds=max(1, math.ceil(left)))

    async def clear(self, key: str) -> None:
        """Forgets a count."""
        try:
            await self._storage.clear(key)
        except StorageError as error:
            _warn(error)
            await self._instead.clear(key)


def _warn(error: StorageError) -> None:
    _log.warning("attempts are counted by this process alone", error=type(error.storage_error).__name__)
