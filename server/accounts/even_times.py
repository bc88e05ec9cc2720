"""Answers that take the same time, whatever was done for them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

STEP = timedelta(seconds=1)
"""Longer than any kind of hash takes to compare, on a busy machine too: Argon2id 20 ms, bcrypt 250 ms at cost 12."""


class EvenTimes:
    """Holds answers back until a whole number of steps has passed since the work began.

    Hashes from elsewhere take another time to compare than ours, which would tell that there is an account.

    Args:
        steady: seconds of a clock that never goes back.
        sleep: waits for seconds.
        step: the step.
    """

    def __init__(
        self, steady: Callable[[], float], sleep: Callable[[float], Awaitable[object]], step: timedelta = STEP
    ) -> None:
        self._steady = steady
        self._sleep = sleep
        self._step = step.total_seconds()

    def begin(self) -> float:
        """When the work for an answer begins."""
        return self._steady()

    async def hold(self, began: float) -> None:
        """Waits for the next whole step since then; at least for the first."""
        passed = self._steady() - began
        await self._sleep(self._step - passed % self._step)
