from __future__ import annotations

import asyncio
from datetime import timedelta

from structlog.testing import capture_logs

from server.adapters.background import Rounds
from server.errors import Reason, Unavailable

NEVER = timedelta(days=1)


class Work:
    """Counts rounds, and can be waited for.

    Attributes:
        failures: what the next rounds end with.
    """

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.rounds = 0
        self.done = asyncio.Event()

    async def __call__(self) -> None:
        self.rounds += 1
        self.done.set()
        if self.failures:
            raise self.failures.pop(0)

    async def next(self) -> None:
        await self.done.wait()
        self.done.clear()


async def test_what_others_have_left_is_done_at_once_and_more_when_there_is_some() -> None:
    work = Work()
    rounds = Rounds("work", work, NEVER)
    rounds.wake()
    rounds.start()
    await work.next()
    assert work.rounds == 1

    rounds.wake()
    await work.next()
    assert work.rounds == 2
    await rounds.close()


async def test_there_is_a_round_now_and_then_without_a_word() -> None:
    work = Work()
    rounds = Rounds("work", work, timedelta(0))
    rounds.start()
    for _ in range(3):
        await work.next()
    await rounds.close()


async def test_what_fails_is_logged_and_left_for_the_next_round() -> None:
    work = Work(Unavailable(Reason.DATABASE_UNAVAILABLE, "away"), RuntimeError("broken"))
    rounds = Rounds("work", work, NEVER)
    with capture_logs() as logs:
        rounds.start()
        await work.next()
        rounds.wake()
        await work.next()
        rounds.wake()
        await work.next()
        await rounds.close()

    assert [(line["event"], line["work"], line["log_level"]) for line in logs] == [
        ("background work failed", "work", "warning"),
        ("background work failed", "work", "error"),
    ]


async def test_closing_does_what_there_still_is() -> None:
    work = Work()
    rounds = Rounds("work", work, NEVER)
    rounds.start()
    await work.next()

    await rounds.close()

    assert work.rounds == 2


async def test_closing_ends_what_takes_too_long() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    rounds = Rounds("work", work, NEVER)
    rounds.start()
    await begun.wait()
    with capture_logs() as logs:
        await rounds.close(timedelta(0))

    assert ended.is_set()
    assert [line["event"] for line in logs] == ["background work left for later"]


async def test_what_was_never_begun_is_closed_too() -> None:
    await Rounds("work", Work(), NEVER).close()
