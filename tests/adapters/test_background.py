from __future__ import annotations

import asyncio
from datetime import timedelta

from structlog.testing import capture_logs

from server.adapters.background import BackgroundTasks
from server.errors import Reason, Unavailable


async def test_closing_waits_for_what_is_under_way() -> None:
    background, done = BackgroundTasks(), []

    async def work() -> None:
        await asyncio.sleep(0)
        done.append("work")

    background.start(work())
    await background.close()

    assert done == ["work"]


async def test_closing_ends_what_takes_too_long() -> None:
    background, ended = BackgroundTasks(), asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    background.start(work())
    await asyncio.sleep(0)
    await background.close(timedelta(0))

    assert ended.is_set()


async def test_what_fails_is_logged_and_what_is_too_much_dropped() -> None:
    background = BackgroundTasks(limit=2)

    async def away() -> None:
        raise Unavailable(Reason.DATABASE_UNAVAILABLE, "away")

    async def broken() -> None:
        raise RuntimeError("broken")

    with capture_logs() as logs:
        for work in (away(), broken(), away()):
            background.start(work)
        await background.close()

    assert [(line["event"], line["log_level"]) for line in logs] == [
        ("background work dropped", "warning"),
        ("background work failed", "warning"),
        ("background work failed", "error"),
    ]
