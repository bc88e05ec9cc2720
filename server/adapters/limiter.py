"""Rate limits by the `limits` library, in this process or shared in Redis."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import structlog
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool

from server.accounts.domain.user import User
from server.errors import Reason, Unavailable
from server.kernel.rates import Rate

_PATIENCE = 1.0
"""Seconds that a call waits for Redis at most."""


def connections_to(redis_url: str) -> ConnectionPool:
    """Connections to a Redis that make nobody wait for long when it is away."""
    return ConnectionPool.from_url(redis_url, socket_connect_timeout=_PATIENCE, socket_timeout=_PATIENCE)


def redis_storage(connections: ConnectionPool) -> RedisStorage:
    """Counts of the `limits` library in a Redis. What fails is raised as its StorageError."""
    return RedisStorage(
        # Where it is, the connections know; this says only what it is.
        "async+redis://",
        wrap_exceptions=True,
        implementation="redispy",
        connection_pool=connections,  # type: ignore[arg-type]  # passed on as it is
    )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call is one too many.

    Attributes:
        limit: calls allowed a period.
        period: length of the window.
        retry_after: when one more will be allowed.
    """

    limit: int
    period: timedelta
    retry_after: timedelta


class WindowLimiter:
    """Counts calls in sliding windows.

    Args:
        per_minute: how many calls of each rate a key may make a minute.
        redis_url: where counts are shared between replicas; None: in this process only.
    """

    def __init__(self, per_minute: Mapping[Rate, int], redis_url: str | None = None) -> None:
        storage: Storage = MemoryStorage()
        self._connections: ConnectionPool | None = None
        if redis_url is not None:
            self._connections = connections_to(redis_url)
            storage = redis_storage(self._connections)
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._items: dict[Rate, RateLimitItem] = {
            rate: RateLimitItemPerMinute(count) for rate, count in per_minute.items()
        }
        self._log = structlog.get_logger("kaiwa.limiter")

    async def aclose(self) -> None:
        """Ends the connections to Redis."""
        if self._connections is not None:
            await self._connections.aclose()

    async def forget(self, user: User, addresses: frozenset[str]) -> None:
        """Forgets what was counted of a user; what a call under way still counts is forgotten within two minutes."""
        for rate, item in self._items.items():
            try:
                await self._limiter.clear(item, rate.value, user.id)
            except StorageError as error:
                self._log.warning("rate limits are not forgotten", error=type(error.storage_error).__name__)
                raise Unavailable(
                    Reason.STORAGE_UNAVAILABLE, "The counts of calls can't be reached for the moment."
                ) from error

    async def hit(self, rate: Rate, key: str) -> Refusal | None:
        """Counts one call of `key`; None when it is within the limit."""
        item = self._items[rate]
        try:
            if await self._limiter.hit(item, rate.value, key):
                return None
            window = await self._limiter.get_window_stats(item, rate.value, key)
        except StorageError as error:
            # A Redis that is away must not lock everyone out; its absence is in the log.
            self._log.warning("rate limits are not counted", error=type(error.storage_error).__name__)
            return None
        wait = timedelta(seconds=max(0.1, window.reset_time - time.time()))
        return Refusal(item.amount, timedelta(seconds=item.get_expiry()), wait)
