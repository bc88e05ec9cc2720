"""What is computed in threads leaves the event loop alone."""

from __future__ import annotations

import asyncio
import threading

import pytest

from server.adapters.threads import Threads


async def test_it_computes_elsewhere_while_the_loop_goes_on() -> None:
    threads, go_on = Threads(1, "test"), threading.Event()
    try:

        def work() -> str:
            assert go_on.wait(10)
            return threading.current_thread().name

        computing = asyncio.create_task(threads(work))
        await asyncio.sleep(0)
        go_on.set()

        assert (await computing).startswith("test")
    finally:
        threads.close()


async def test_what_fails_fails_the_caller() -> None:
    threads = Threads(1, "test")
    try:
        with pytest.raises(ZeroDivisionError):
            await threads(lambda: 1 / 0)
    finally:
        threads.close()
