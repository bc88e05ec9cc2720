"""Events on their way to one client, however slowly it reads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace

from server.speech.domain.events import Event, Numbered, Partial


class Outbox:
    """A queue that hardly grows with the length of speech.

    Of partials that wait only the latest is kept, with the pitch of all: that is told but once.
    """

    def __init__(self) -> None:
        self._waiting: deque[Numbered] = deque()
        self._changed = asyncio.Event()
        self._closed = False
        self._error: BaseException | None = None

    @property
    def closed(self) -> bool:
        """Whether nothing more will be put in."""
        return self._closed

    def put(self, item: Numbered) -> bool:
        """Adds an event; after `close` it is dropped.

        Returns:
            Whether its number is used up: not when it was dropped, or takes the place of a partial with its number.
        """
        if self._closed:
            return False
        last = self._waiting[-1] if self._waiting else None
        latest = last is not None and isinstance(item.event, Partial) and isinstance(last.event, Partial)
        if last is not None and latest:
            self._waiting[-1] = replace(item, sequence=last.sequence, event=_joined(last.event, item.event))
        else:
            self._waiting.append(item)
        self._changed.set()
        return not latest

    def close(self, error: BaseException | None = None) -> None:
        """Ends the stream after what waits, in the error if there is one. Only the first close counts."""
        if not self._closed:
            self._closed = True
            self._error = error
            self._changed.set()

    async def __aiter__(self) -> AsyncIterator[Numbered]:
        """The events in order, until closed. Raises the error that it was closed with."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self._closed:
                if self._error is not None:
                    raise self._error
                return
            self._changed.clear()
            await self._changed.wait()


def _joined(waiting: Event, latest: Event) -> Event:
    """The latest partial with the pitch of the one that it replaces."""
    if isinstance(waiting, Partial) and isinstance(latest, Partial):
        return replace(latest, pitch=waiting.pitch + latest.pitch)
    return latest
