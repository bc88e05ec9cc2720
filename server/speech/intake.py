"""What a client sends on a stream of requests, and how long it may take."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from server.errors import InvalidInput, Reason
from server.speech.domain.session import idle_error
from server.speech.practice_config import PracticeConfig

T = TypeVar("T")


async def next_within(
    intake: AsyncIterator[T], idle_timeout: float, sleep: Callable[[float], Awaitable[None]]
) -> T | None:
    """The client's next message; None when there are no more.

    Args:
        intake: what the client sends; of no more use after a time-out.
        idle_timeout: how long the client may take, seconds.
        sleep: waits, in seconds.

    Raises:
        DeadlineExceeded: IDLE_TIMEOUT.
    """
    coming = asyncio.ensure_future(_next(intake))
    timer = asyncio.ensure_future(sleep(idle_timeout))
    try:
        await asyncio.wait({coming, timer}, return_when=asyncio.FIRST_COMPLETED)
        if not coming.done():
            raise idle_error(timedelta(seconds=idle_timeout))
        return coming.result()
    finally:
        for task in (coming, timer):
            task.cancel()
        await asyncio.gather(coming, timer, return_exceptions=True)


async def _next(intake: AsyncIterator[T]) -> T | None:
    return await anext(intake, None)


def check_config(first: object) -> PracticeConfig:
    """The config that a stream must begin with.

    Raises:
        InvalidInput: CONFIG_REQUIRED.
    """
    if not isinstance(first, PracticeConfig):
        raise InvalidInput("config", "must be the first message of the stream", reason=Reason.CONFIG_REQUIRED)
    return first


def config_repeated() -> InvalidInput:
    """What a stream gets for a second config."""
    return InvalidInput("config", "was given already; a stream has one", reason=Reason.CONFIG_REPEATED)
