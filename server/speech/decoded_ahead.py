"""A final transcript that is begun before it is certain that the utterance is over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine

from server.speech.domain.events import Transcript


class DecodedAhead:
    """Keeps the newest one; when speech goes on it was for nothing."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Transcript] | None = None
        self._part = (0.0, 0.0)

    def begin(self, start: float, end: float, transcribe: Callable[[], Coroutine[None, None, Transcript]]) -> None:
        """Begins to transcribe what is between two times, and gives up what was begun before."""
        self.drop()
        self._part = (start, end)
        self._task = asyncio.create_task(transcribe())
        # What nobody takes fails for nobody.
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())

    def take(self, start: float, end: float) -> Awaitable[Transcript] | None:
        """The transcript of what is between two times, if just that was begun and did not fail."""
        task, self._task = self._task, None
        if task is None:
            return None
        failed = task.done() and (task.cancelled() or task.exception() is not None)
        if failed or self._part != (start, end):
            task.cancel()
            return None
        return task

    def drop(self) -> None:
        """Gives up what was begun."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
