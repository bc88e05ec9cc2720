"""What accounts ask of where attempts are counted, held against this process's memory and a real server of Redis's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta

import pytest
import redis

from server.accounts.guard import Guard
from server.accounts.ports import Tally
from server.adapters.limiter import WindowLimiter
from server.adapters.tally import MemoryTally, RedisTally
from server.errors import ResourceExhausted
from server.kernel.rates import Rate
from tests.support.kernel import FixedClock

MINUTE = timedelta(minutes=1)


@asynccontextmanager
async def in_redis(url: str, instead: Tally | None = None) -> AsyncIterator[RedisTally]:
    tally = RedisTally(url, instead or MemoryTally(FixedClock()))
    try:
        yield tally
    finally:
        await tally.close()


@pytest.fixture(params=["memory", "redis"])
async def tally(request: pytest.FixtureRequest) -> AsyncIterator[Tally]:
    if request.param == "memory":
        yield MemoryTally(FixedClock())
        return
    async with in_redis(request.getfixturevalue("redis_url")) as shared:
        yield shared


async def test_counts_by_key(tally: Tally) -> None:
    assert await tally.count("one") == 0
    assert [await tally.add("one", MINUTE) for _ in range(3)] == [1, 2, 3]
    assert await tally.add("other", MINUTE) == 1
    assert await tally.count("one") == 3


async def test_tells_how_long_a_count_is_kept(tally: Tally) -> None:
    await tally.add("one", MINUTE)
    await tally.add("one", timedelta(hours=1))

    assert timedelta(seconds=50) < await tally.remaining("one") <= MINUTE
    assert await tally.remaining("none") == timedelta(0)


async def test_forgets_what_it_is_told_to(tally: Tally) -> None:
    await tally.add("one", MINUTE)
    await tally.clear("one")
    await tally.clear("none")

    assert await tally.count("one") == 0
    assert await tally.remaining("one") == timedelta(0)
    assert await tally.add("one", MINUTE) == 1


async def test_many_at_once_are_counted_each(tally: Tally) -> None:
    assert sorted(await asyncio.gather(*(tally.add("one", MINUTE) for _ in range(50)))) == list(range(1, 51))


async def test_the_guard_counts_with_it(tally: Tally) -> None:
    guard = Guard(tally, b"secret")
    answers = await asyncio.gather(
        *(guard.sign_in("mika@example.com", "192.0.2.1") for _ in range(50)), return_exceptions=True
    )

    refused = [answer for answer in answers if isinstance(answer, ResourceExhausted)]
    assert len(refused) == 50 - 10
    # What is left of the pause, on a clock that goes on in Redis.
    assert all(timedelta(0) < (refusal.retry_after or timedelta(0)) <= timedelta(seconds=1) for refusal in refused)


async def test_servers_that_share_a_redis_count_together(redis_url: str) -> None:
    async with in_redis(redis_url) as here, in_redis(redis_url) as there:
        await here.add("one", MINUTE)
        assert await there.add("one", MINUTE) == 2


async def test_redis_is_told_no_names_and_forgets_all(redis_url: str) -> None:
    async with in_redis(redis_url) as tally:
        guard = Guard(tally, b"secret")
        for _ in range(10):
            await guard.sign_in("mika@example.com", "192.0.2.1")
        await guard.mail_to("mika@example.com", "192.0.2.1")
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        keys = list(client.scan_iter())
        assert len(keys) == 3
        assert not any("mika" in key or "192" in key for key in keys)
        assert all(client.ttl(key) > 0 for key in keys)


async def test_while_redis_is_away_each_process_counts_for_itself() -> None:
    # Nothing listens on port 1.
    async with in_redis("redis://127.0.0.1:1/0") as tally:
        assert [await tally.add("one", MINUTE) for _ in range(2)] == [1, 2]
        assert await tally.count("one") == 2
        assert await tally.remaining("one") == MINUTE
        await tally.clear("one")
        assert await tally.count("one") == 0


async def test_memory_forgets_in_time_and_has_an_end() -> None:
    clock = FixedClock()
    tally = MemoryTally(clock, most=20)
    await tally.add("long", timedelta(hours=1))
    for number in range(100):
        await tally.add(f"{number}", MINUTE)
    assert tally.size <= 20
    assert await tally.count("long") == 1

    clock.advance(MINUTE)
    assert await tally.count("99") == 0
    assert await tally.add("99", MINUTE) == 1


async def test_rates_are_counted_together_in_redis(redis_url: str) -> None:
    here, there = (WindowLimiter({Rate.NORMAL: 3}, redis_url) for _ in range(2))
    async with aclosing(here), aclosing(there):
        assert [await limiter.hit(Rate.NORMAL, "me") for limiter in (here, there, here)] == [None] * 3
        refusal = await there.hit(Rate.NORMAL, "me")
        assert refusal is not None
        assert (refusal.limit, refusal.period) == (3, MINUTE)
        assert await there.hit(Rate.NORMAL, "you") is None
