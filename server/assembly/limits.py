"""Rate limits as the settings have them."""

from __future__ import annotations

from contextlib import AsyncExitStack

from server.adapters.limiter import WindowLimiter
from server.config import Settings
from server.kernel.rates import Rate


def rate_limits(settings: Settings, stack: AsyncExitStack) -> WindowLimiter:
    """Counts calls; replicas that share Redis count together.

    Args:
        stack: ends its connections.
    """
    rates = settings.rates
    limiter = WindowLimiter(
        {
            Rate.SIGN_IN: rates.sign_in,
            Rate.NORMAL: rates.normal,
            Rate.COSTLY: rates.costly,
            Rate.AUDIO: rates.audio,
        },
        settings.redis_url,
    )
    stack.push_async_callback(limiter.aclose)
    return limiter
