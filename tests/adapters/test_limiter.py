"""Rate limits in this process, and what happens when the shared counts can't be reached."""

from __future__ import annotations

import pytest

from server.adapters.limiter import WindowLimiter
from server.errors import Reason, Unavailable
from server.kernel.rates import Rate
from tests.support.accounts import make_user


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


async def test_what_was_counted_of_one_user_is_forgotten() -> None:
    limiter = WindowLimiter({Rate.NORMAL: 1, Rate.AUDIO: 1})
    me = make_user()
    for key in (me.id, "you"):
        for rate in (Rate.NORMAL, Rate.AUDIO):
            await limiter.hit(rate, key)
    await limiter.forget(me, frozenset())
    assert [await limiter.hit(rate, me.id) for rate in (Rate.NORMAL, Rate.AUDIO)] == [None, None]
    assert await limiter.hit(Rate.NORMAL, "you") is not None
    await limiter.aclose()


async def test_a_redis_that_is_away_forgets_nothing_and_says_so() -> None:
    limiter = WindowLimiter({Rate.NORMAL: 1}, "redis://127.0.0.1:1/0")
    with pytest.raises(Unavailable) as refused:
        await limiter.forget(make_user(), frozenset())
    assert refused.value.reason is Reason.STORAGE_UNAVAILABLE
    await limiter.aclose()
