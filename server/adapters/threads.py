"""Computes off the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """Some threads of one purpose. What nobody waits for any more is finished all the same, so it has to be short.

    Args:
        count: how many things are computed at once; what comes on top waits.
        name: of the threads.
    """

    def __init__(self, count: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def __call__(self, work: Callable[[], T]) -> T:
        """Computes something."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    def close(self) -> None:
        """Waits for what is being computed and drops what waits."""
        self._pool.shutdown(wait=True, cancel_futures=True)
