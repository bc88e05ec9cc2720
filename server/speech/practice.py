"""Practice: one utterance over a bidirectional stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from server.kernel.identity import Caller
from server.speech.domain.events import Numbered
from server.speech.intake import check_config, config_repeated, next_within
from server.speech.live_practice import LivePractice
from server.speech.open_practice import PracticeOpener
from server.speech.outbox import Outbox
from server.speech.practice_config import PracticeConfig


@dataclass(frozen=True, slots=True)
class Finish:
    """The client has no more audio."""


Intake = PracticeConfig | bytes | Finish


class Practice:
    """Joins a client's stream of config, audio and finish to the events of its practice.

    Args:
        opener: begins and resumes practices.
        idle_timeout: how long the client may take to send its config, seconds.
        sleep: waits, in seconds.
    """

    def __init__(self, opener: PracticeOpener, idle_timeout: float, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._open = opener
        self._idle_timeout = idle_timeout
        self._sleep = sleep

    async def __call__(self, caller: Caller, intake: AsyncIterator[Intake]) -> AsyncGenerator[Numbered, None]:
        """Runs the practice until its attempt is stored.

        Args:
            intake: what the client sends, in order; its end means the same as a finish.

        Raises:
            ApplicationError: as the contract lists for Practice.
        """
        config = check_config(await next_within(intake, self._idle_timeout, self._sleep))
        live, outbox = await self._open(caller, config)
        reader = asyncio.ensure_future(_read(intake, live, outbox, live.taken)) if live is not None else None
        try:
            async for numbered in outbox:
                yield numbered
        finally:
            if live is not None:
                live.detach(outbox)
            if reader is not None:
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)


async def _read(intake: AsyncIterator[Intake], live: LivePractice, outbox: Outbox, offset: int) -> None:
    """Hands what the client sends to the practice; a fault of the client ends its stream, not what was said before.

    Args:
        offset: bytes that the client was told to be there. Its earlier stream may have brought more meanwhile; where
            each piece belongs tells what is there already.
    """
    try:
        async for message in intake:
            if isinstance(message, PracticeConfig):
                raise config_repeated()
            if isinstance(message, Finish):
                await live.finish()
            else:
                await live.push(message, offset)
                offset += len(message)
        await live.finish()
    except Exception as error:
        outbox.close(error)
