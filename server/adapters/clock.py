"""The system's clock, identifiers that sort by time, and the time zones this machine knows."""

from __future__ import annotations

import secrets
import threading
import time
import uuid
import zoneinfo
from collections.abc import Callable
from datetime import UTC, datetime

_COUNTER_BITS = 12 + 30
_RANDOM_BITS = 32


class SystemClock:
    """Tells the machine's time."""

    def now(self) -> datetime:
        """The time now, aware, UTC."""
        return datetime.now(UTC)


class UuidV7Source:
    """Makes UUIDs version 7 (RFC 9562, section 5.7) that grow strictly within one source.

    48 bits of milliseconds, then a 42-bit counter that begins anew at a random value each millisecond and steps by one
    within it (section 6.2, method 1), then 32 random bits. Where the clock stands still or goes back, ids go on from
    the last millisecond; where the counter is used up, from the next.

    Args:
        milliseconds: Unix time in milliseconds.
        random_bits: makes that many random bits.
    """

    def __init__(
        self,
        milliseconds: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self._milliseconds = milliseconds
        self._random_bits = random_bits
        self._lock = threading.Lock()
        self._last = -1
        self._counter = 0

    def new_id(self) -> str:
        """A new id in its usual text form. May be called from any thread."""
        with self._lock:
            moment, counter = self._next()
        random = self._random_bits(_RANDOM_BITS)
        value = moment << 80 | 0x7 << 76 | (counter >> 30) << 64 | 0b10 << 62 | (counter & 0x3FFF_FFFF) << 32 | random
        return str(uuid.UUID(int=value))

    def _next(self) -> tuple[int, int]:
        now = self._milliseconds()
        if now > self._last:
            self._last = now
            self._counter = self._seed()
        else:
            self._counter += 1
            if self._counter >> _COUNTER_BITS:
                self._last += 1
                self._counter = self._seed()
        return self._last, self._counter

    def _seed(self) -> int:
        """A random start in the lower half, so that a millisecond has room for as many ids again."""
        return self._random_bits(_COUNTER_BITS - 1)


def known_time_zones() -> frozenset[str]:
    """IANA names of the zones that this machine can count days in."""
    return frozenset(zoneinfo.available_timezones())
