"""Rate limits in this process, and what happens when the shared counts can't be reached."""

from __future__ import annotations

import pytest

from server.adapters.limiter import WindowLimiter
from server.kernel.rates import Rate


async def test_calls_within_the_limit_pass_and_one_more_is_told_when_to_come_back() -> None:
    limiter = WindowLimiter({Rate.NORMAL: 3})
    assert [await limiter.hit(Rate.NORMAL, "me") for _ in range(3)] == [None, None, None]
    refusal = await limiter.hit(Rate.NORMAL, "me")
    assert refusal is not None
    assert (refusal.limit, refusal.period.total_seconds()) == (3, 60)
    assert refusal.retry_after.total_seconds() > 0
    assert await limiter.hit(Rate.NORMAL, "you") is None


@pytest.mark.parametrize("calls", [1, 3])
async def test_a_redis_that_is_away_locks_nobody_out(calls: int) -> None:
    # Nothing listens on port 1.
    limiter = WindowLimiter({Rate.NORMAL: 1}, "redis://127.0.0.1:1/0")
    assert [await limiter.hit(Rate.NORMAL, "me") for _ in range(calls)] == [None] * calls
