"""Threads that an engine computes in: bounded, finals first."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Any, Generic, TypeVar

from server.errors import Reason, ResourceExhausted, Unavailable

T = TypeVar("T")


class Priority(IntEnum):
    """What goes first."""

    FINAL = 0
    PARTIAL = 1


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much may wait, beside what is being decoded, before more is refused.

    Attributes:
        finals: about 0.3 s each on one thread, so 32 of them on two are a wait of 5 s, which no one should be promised.
        partials: one that has waited longer than the speaker's next is worth nothing.
    """

    finals: int = 32
    partials: int = 8


class _Task(Generic[T]):
    """Work and who waits for it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self.future: Future[T] = Future()

    def run(self) -> None:
        """Does the work, unless nobody waits any more."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            result = self._work()
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)

    def give_up(self, error: Exception) -> None:
        """Tells whoever waits that it will not be done."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


class EngineThreads:
    """Runs the work of one engine in threads of its own, all finals before any partial.

    Where there are several threads, one takes finals only, so that a final never waits for somebody's partial.

    Args:
        workers: threads.
        backlog: how much may wait.
        name: what the threads are called.
        engine: what the engine is called in the error that refuses work (`recognition`, `assessment`).
    """

    def __init__(self, workers: int, backlog: Backlog, *, name: str, engine: str) -> None:
        self._engine = engine
        self._change = threading.Condition()
        self._waiting: dict[Priority, deque[_Task[Any]]] = {priority: deque() for priority in Priority}
        self._limits = {Priority.FINAL: backlog.finals, Priority.PARTIAL: backlog.partials}
        self._partials_running = 0
        self._most_partials = max(1, workers - 1)
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def finals_waiting(self) -> int:
        """How many finals wait for a thread."""
        return len(self._waiting[Priority.FINAL])

    async def run(self, priority: Priority, work: Callable[[], T]) -> T:
        """Runs work and gives its result.

        When the caller is cancelled, work that waits is never begun; work under way ends and its result is dropped.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when too much waits already.
            Unavailable: SHUTTING_DOWN after `close`.
        """
        task = _Task(work)
        with self._change:
            if self._closed:
                raise _shutting_down()
            queue = self._waiting[priority]
            if len(queue) >= self._limits[priority]:
                raise ResourceExhausted(
                    Reason.SPEECH_OVERLOADED,
                    "Too much speech is waiting to be recognised or judged.",
                    metadata={"engine": self._engine},
                    retry_after=timedelta(seconds=1),
                )
            queue.append(task)
            # All are woken: the one that is would otherwise be the one that takes no partials.
            self._change.notify_all()
        try:
            return await asyncio.wrap_future(task.future)
        except asyncio.CancelledError:
            with self._change:
                if task in queue:
                    queue.remove(task)
            raise

    def close(self) -> None:
        """Refuses new work, ends what waits with an error and lets what is under way finish."""
        with self._change:
            self._closed = True
            for queue in self._waiting.values():
                for task in queue:
                    task.give_up(_shutting_down())
                queue.clear()
            self._change.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or self._next() is not None)
                priority = self._next()
                if priority is None:
                    return
                task = self._waiting[priority].popleft()
                if priority is Priority.PARTIAL:
                    self._partials_running += 1
            try:
                task.run()
            finally:
                if priority is Priority.PARTIAL:
                    with self._change:
                        self._partials_running -= 1
                        self._change.notify_all()

    def _next(self) -> Priority | None:
        if self._waiting[Priority.FINAL]:
            return Priority.FINAL
        if self._waiting[Priority.PARTIAL] and self._partials_running < self._most_partials:
            return Priority.PARTIAL
        return None


def _shutting_down() -> Unavailable:
    return Unavailable(Reason.SHUTTING_DOWN, "The server is shutting down.", retry_after=timedelta(seconds=1))
