"""Threads that an engine computes in: bounded, finals first, everybody else in turn."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import Any, Generic, Protocol, TypeVar

from server.adapters.engine_load import Load, Promise
from server.errors import Reason, ResourceExhausted, Unavailable

T = TypeVar("T")


class Priority(Enum):
    """What goes first."""

    FINAL = "final"
    """What somebody has just finished saying: goes before everything else."""
    PARTIAL = "partial"
    """What somebody is saying."""
    FILE = "file"
    """A piece of a recording: takes turns with partials."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much may wait, beside what is being decoded, before more is refused.

    A speaker has one partial or one final waiting at most: neither is reached by those alone who were let in.

    Attributes:
        finals: about 0.3 s each on one thread, so 32 of them on two are a wait of 5 s, which no one should be promised.
        partials: one that has waited longer than the speaker's next is worth nothing.
        files: pieces of at most 30 s.
        patience: seconds that a partial waits before it may take the thread that is kept free for finals.
    """

    finals: int = 32
    partials: int = 32
    files: int = 32
    patience: float = 0.3


class Meter(Protocol):
    """Takes measurements of engines."""

    def engine_worked(self, engine: str, kind: str, waited: float, took: float) -> None:
        """A piece of work was done: seconds it waited, and seconds it took."""
        ...

    def engine_refused(self, engine: str, what: str) -> None:
        """A partial, final, file or speaker was refused because of too much load."""
        ...


class NoMeter:
    """Takes no measurements."""

    def engine_worked(self, engine: str, kind: str, waited: float, took: float) -> None:
        """Nothing."""

    def engine_refused(self, engine: str, what: str) -> None:
        """Nothing."""


class _Task(Generic[T]):
    """Work and who waits for it."""

    def __init__(self, kind: Priority, work: Callable[[], T], since: float) -> None:
        self.kind = kind
        self.since = since
        self._work = work
        self.future: Future[T] = Future()

    def run(self) -> bool:
        """Does the work, unless nobody waits any more; whether it was done."""
        if not self.future.set_running_or_notify_cancel():
            return False
        try:
            result = self._work()
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)
        return True

    def give_up(self, error: Exception) -> None:
        """Tells whoever waits that it will not be done."""
        if self.future.set_running_or_notify_cancel():
            self.future.set_exception(error)


class EngineThreads:
    """Runs the work of one engine in threads of its own, all finals before anything else.

    The rest takes turns in the order it came. As a speaker asks for a partial only when the one before is there, no
    speaker gets ahead of another, and with more speakers each one's partials become fewer. Where there are several
    threads one is kept free for finals, until a partial has waited for too long.

    Args:
        workers: threads.
        backlog: how much may wait.
        name: what the threads are called.
        engine: what the engine is called in the error that refuses work (`recognition`, `assessment`).
        promise: what speakers get who are let in.
        meter: takes measurements.
        steady: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        workers: int,
        backlog: Backlog,
        *,
        name: str,
        engine: str,
        promise: Promise | None = None,
        meter: Meter | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._backlog = backlog
        self._engine = engine
        self._meter = meter or NoMeter()
        self._steady = steady
        self._load = Load(workers, promise or Promise())
        self._change = threading.Condition()
        self._finals: deque[_Task[Any]] = deque()
        self._turns: deque[_Task[Any]] = deque()
        self._limits = {
            Priority.FINAL: backlog.finals,
            Priority.PARTIAL: backlog.partials,
            Priority.FILE: backlog.files,
        }
        self._taking_turns = 0
        self._usual = max(1, workers - 1)
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(workers)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def finals_waiting(self) -> int:
        """How many finals wait for a thread."""
        return len(self._finals)

    @property
    def load(self) -> Load:
        """What decoding costs here."""
        return self._load

    def admit(self, speakers: int) -> None:
        """Lets another speaker in, beside this many who speak already.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when not everyone could be served as promised.
        """
        if speakers >= self._load.most:
            self._meter.engine_refused(self._engine, "speaker")
            raise ResourceExhausted(
                Reason.SPEECH_OVERLOADED,
                "As many people speak as the server can serve well. Try again in a moment.",
                metadata={"engine": self._engine},
                # An utterance takes a few seconds: by then one of them has ended.
                retry_after=timedelta(seconds=2),
            )

    async def run(self, kind: Priority, work: Callable[[], T]) -> T:
        """Runs work and gives its result.

        When the caller is cancelled, work that waits is never begun; work under way ends and its result is dropped.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when too much waits already.
            Unavailable: SHUTTING_DOWN after `close`.
        """
        task = _Task(kind, work, self._steady())
        queue = self._finals if kind is Priority.FINAL else self._turns
        with self._change:
            if self._closed:
                raise _shutting_down()
            if sum(waiting.kind is kind for waiting in queue) >= self._limits[kind]:
                self._meter.engine_refused(self._engine, kind.value)
                raise ResourceExhausted(
                    Reason.SPEECH_OVERLOADED,
                    "Too much speech is waiting to be recognised or judged.",
                    metadata={"engine": self._engine},
                    retry_after=timedelta(seconds=1),
                )
            queue.append(task)
            # All are woken: the one that is would otherwise be the one that is kept for finals.
            self._change.notify_all()
        try:
            return await asyncio.wrap_future(task.future)
        except asyncio.CancelledError:
            with self._change:
                if task in queue:
                    queue.remove(task)
            raise

    async def final(self, work: Callable[[], T]) -> T:
        """Runs work that goes before all partials; errors as of `run`."""
        return await self.run(Priority.FINAL, work)

    async def passing(self, work: Callable[[], T]) -> T:
        """Runs work that goes after all finals; errors as of `run`."""
        return await self.run(Priority.PARTIAL, work)

    def close(self) -> None:
        """Refuses new work, ends what waits with an error and lets what is under way finish."""
        with self._change:
            self._closed = True
            for queue in (self._finals, self._turns):
                for task in queue:
                    task.give_up(_shutting_down())
                queue.clear()
            self._change.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (task := self._take()) is not None:
            began = self._steady()
            try:
                done = task.run()
            finally:
                if task.kind is not Priority.FINAL:
                    with self._change:
                        self._taking_turns -= 1
                        self._change.notify_all()
            if done:
                self._measure(task.kind, began - task.since, self._steady() - began)
            # What was decoded must not be held until the next task comes.
            del task

    def _measure(self, kind: Priority, waited: float, took: float) -> None:
        if kind is Priority.PARTIAL:
            self._load.partial_took(took)
        elif kind is Priority.FINAL:
            self._load.final_took(took)
        self._meter.engine_worked(self._engine, kind.value, waited, took)

    def _take(self) -> _Task[Any] | None:
        """The next task for the calling thread; None: there will be none."""
        with self._change:
            while not self._closed:
                if self._finals:
                    return self._finals.popleft()
                if not self._turns:
                    self._change.wait()
                elif self._taking_turns < self._usual or self._waited_long():
                    self._taking_turns += 1
                    return self._turns.popleft()
                else:
                    self._change.wait(self._backlog.patience)
            return None

    def _waited_long(self) -> bool:
        first = self._turns[0]
        return first.kind is Priority.PARTIAL and self._steady() - first.since >= self._backlog.patience


def _shutting_down() -> Unavailable:
    return Unavailable(Reason.SHUTTING_DOWN, "The server is shutting down.", retry_after=timedelta(seconds=1))
