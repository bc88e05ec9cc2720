"""When a failed call may be made again, as the contract allows."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from kaiwa_client.errors import KaiwaError

_NEVER = frozenset({"MESSAGE_TOO_LARGE", "DAILY_AUDIO_LIMIT", "TOO_MANY_JOBS"})
"""Exhausted for longer than anybody waits, or for good."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and after how long.

    Attributes:
        attempts: how many times a call is made in all, at least 1.
        first_delay: seconds before the second time; it doubles from then on.
        longest_delay: where the doubling stops.
        longest_asked_delay: a server that asks to wait longer than this (RetryInfo) is not waited for.
        jitter: gives numbers from 0 to 1, so that many clients do not come back in step.
    """

    attempts: int = 4
    first_delay: float = 0.15
    longest_delay: float = 3.0
    longest_asked_delay: float = 10.0
    jitter: Callable[[], float] = random.random

    def delay(self, failures: int, error: KaiwaError) -> float | None:
        """Seconds to wait before the next try; None when there is to be none.

        Only UNAVAILABLE and RESOURCE_EXHAUSTED are tried again: with them the contract says that nothing was begun
        or that the call is safe to repeat, and all calls of this library are safe to repeat.

        Args:
            failures: how many times the call has failed, at least 1.
            error: how it failed the last time.
        """
        if failures >= self.attempts or error.reason in _NEVER:
            return None
        if error.code not in {"UNAVAILABLE", "RESOURCE_EXHAUSTED"}:
            return None
        own = self.backoff(failures)
        if error.retry_after is None:
            return own if error.code == "UNAVAILABLE" else None
        return None if error.retry_after > self.longest_asked_delay else max(own, error.retry_after)

    def backoff(self, failures: int) -> float:
        """The delay after so many failures where the server asks for none, in seconds."""
        full = min(self.longest_delay, self.first_delay * 2.0 ** (failures - 1))
        return full * (0.5 + self.jitter() / 2)
