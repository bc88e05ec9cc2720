"""Lets few sign-ins go on at once, so that many that come together don't crowd out everything else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from server.errors import Reason, ResourceExhausted

WAITING = 128
"""Calls that may wait for their turn."""


class Turns:
    """Gives turns in the order in which they are asked for.

    Args:
        at_once: how many have theirs; as many as passwords are hashed at once. More would only wait there, and make
            every other call wait for their steps.
        waiting: how many more may wait; further ones are refused.
    """

    def __init__(self, at_once: int, waiting: int = WAITING) -> None:
        self._semaphore = asyncio.Semaphore(at_once)
        self._limit = at_once + waiting
        self._here = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for a turn, which lasts as long as the block.

        Raises:
            ResourceExhausted: RATE_LIMITED, when too many wait already.
        """
        if self._here >= self._limit:
            raise ResourceExhausted(
                Reason.RATE_LIMITED,
                "Too many people are signing in at this moment.",
                metadata={"limit": str(self._limit)},
                retry_after=timedelta(seconds=2),
            )
        self._here += 1
        try:
            async with self._semaphore:
                yield
        finally:
            self._here -= 1
