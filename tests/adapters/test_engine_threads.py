from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from server.adapters.engine_threads import Backlog, EngineThreads, Priority
from server.errors import Reason, ResourceExhausted, Unavailable


class Blocker:
    """Work that says when it runs and goes on until it is told to end."""

    def __init__(self) -> None:
        self.running = threading.Event()
        self.end = threading.Event()

    def __call__(self) -> str:
        self.running.set()
        assert self.end.wait(10)
        return "done"


@pytest.fixture
def open_threads() -> Iterator[Callable[..., EngineThreads]]:
    opened: list[EngineThreads] = []

    def make(workers: int, backlog: Backlog | None = None) -> EngineThreads:
        opened.append(EngineThreads(workers, backlog or Backlog(), name="test", engine="recognition"))
        return opened[-1]

    yield make
    for threads in opened:
        threads.close()


async def started(blocker: Blocker) -> None:
    assert await asyncio.to_thread(blocker.running.wait, 10)


async def test_finals_go_first(open_threads: Callable[..., EngineThreads]) -> None:
    threads = open_threads(1)
    blocker = Blocker()
    order: list[str] = []
    first = asyncio.create_task(threads.run(Priority.PARTIAL, blocker))
    await started(blocker)
    later = [
        asyncio.create_task(threads.run(priority, partial(order.append, name)))
        for priority, name in ((Priority.PARTIAL, "partial"), (Priority.FINAL, "final"))
    ]
    await asyncio.sleep(0)
    assert threads.finals_waiting == 1

    blocker.end.set()
    await asyncio.gather(first, *later)

    assert order == ["final", "partial"]


async def test_one_thread_is_kept_free_of_partials(open_threads: Callable[..., EngineThreads]) -> None:
    threads = open_threads(2)
    one, other = Blocker(), Blocker()
    partials = [asyncio.create_task(threads.run(Priority.PARTIAL, blocker)) for blocker in (one, other)]
    await started(one)

    assert await threads.run(Priority.FINAL, lambda: "final") == "final"

    assert not other.running.is_set()
    one.end.set()
    other.end.set()
    assert await asyncio.gather(*partials) == ["done", "done"]


async def test_cancelled_work_is_never_begun(open_threads: Callable[..., EngineThreads]) -> None:
    threads = open_threads(1, Backlog(finals=1, partials=1, files=1))
    blocker, unwanted = Blocker(), Blocker()
    running = asyncio.create_task(threads.run(Priority.FINAL, blocker))
    await started(blocker)
    waiting = asyncio.create_task(threads.run(Priority.FINAL, unwanted))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    # Its place is free again.
    after = asyncio.create_task(threads.run(Priority.FINAL, lambda: "after"))
    await asyncio.sleep(0)
    blocker.end.set()

    assert await after == "after"
    assert await running == "done"
    assert not unwanted.running.is_set()


async def test_the_late_result_of_cancelled_work_is_dropped(open_threads: Callable[..., EngineThreads]) -> None:
    threads = open_threads(1)
    blocker = Blocker()
    running = asyncio.create_task(threads.run(Priority.PARTIAL, blocker))
    await started(blocker)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    blocker.end.set()

    assert await threads.run(Priority.PARTIAL, lambda: "next") == "next"


@pytest.mark.parametrize("priority", list(Priority))
async def test_too_much_waiting_work_is_refused(open_threads: Callable[..., EngineThreads], priority: Priority) -> None:
    threads = open_threads(1, Backlog(finals=1, partials=1, files=1))
    blocker = Blocker()
    running = asyncio.create_task(threads.run(Priority.FINAL, blocker))
    await started(blocker)
    waiting = asyncio.create_task(threads.run(priority, lambda: "waited"))
    await asyncio.sleep(0)

    with pytest.raises(ResourceExhausted) as refusal:
        await threads.run(priority, lambda: "refused")

    assert refusal.value.reason is Reason.SPEECH_OVERLOADED
    assert refusal.value.metadata == {"engine": "recognition"}
    assert refusal.value.retry_after is not None
    blocker.end.set()
    assert await waiting == "waited"
    await running


async def test_what_fails_fails_for_its_caller_alone(open_threads: Callable[..., EngineThreads]) -> None:
    threads = open_threads(1)

    def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await threads.run(Priority.FINAL, fail)
    assert await threads.run(Priority.FINAL, lambda: "well") == "well"


async def test_after_closing_nothing_is_taken(open_threads: Callable[..., EngineThreads]) -> None:
    threads = open_threads(2)
    threads.close()

    with pytest.raises(Unavailable) as refusal:
        await threads.run(Priority.FINAL, lambda: None)

    assert refusal.value.reason is Reason.SHUTTING_DOWN


async def test_closing_gives_up_what_waits(open_threads: Callable[..., EngineThreads]) -> None:
    threads = open_threads(1)
    blocker, unwanted = Blocker(), Blocker()
    running = asyncio.create_task(threads.run(Priority.FINAL, blocker))
    await started(blocker)
    waiting = asyncio.create_task(threads.run(Priority.FINAL, unwanted))
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(threads.close))

    with pytest.raises(Unavailable):
        await waiting

    blocker.end.set()
    assert await running == "done"
    await closing
    assert not unwanted.running.is_set()


async def test_a_partial_that_waited_long_takes_the_thread_that_is_kept_free() -> None:
    now = 0.0
    threads = EngineThreads(2, Backlog(patience=0.3), name="test", engine="recognition", steady=lambda: now)
    one, other = Blocker(), Blocker()
    try:
        tasks = [asyncio.create_task(threads.run(Priority.PARTIAL, blocker)) for blocker in (one, other)]
        await started(one)
        assert not other.running.is_set()
        now = 0.3
        # Something new to do wakes the thread, which finds that somebody has waited for long enough.
        assert await threads.run(Priority.FINAL, lambda: "final") == "final"
        await started(other)
    finally:
        one.end.set()
        other.end.set()
        await asyncio.gather(*tasks)
        threads.close()


async def test_files_and_partials_take_turns(open_threads: Callable[..., EngineThreads]) -> None:
    threads = open_threads(1)
    blocker = Blocker()
    order: list[str] = []
    first = asyncio.create_task(threads.run(Priority.PARTIAL, blocker))
    await started(blocker)
    kinds = [Priority.FILE, Priority.PARTIAL, Priority.FILE, Priority.FINAL]
    later = [
        asyncio.create_task(threads.run(kind, partial(order.append, f"{kind.value} {number}")))
        for number, kind in enumerate(kinds)
    ]
    await asyncio.sleep(0)
    blocker.end.set()
    await asyncio.gather(first, *later)

    assert order == ["final 3", "file 0", "partial 1", "file 2"]


def test_as_many_speakers_are_let_in_as_can_be_served(open_threads: Callable[..., EngineThreads]) -> None:
    threads = open_threads(2)
    most = threads.load.most
    assert most > 1
    threads.admit(most - 1)

    with pytest.raises(ResourceExhausted) as refusal:
        threads.admit(most)

    assert refusal.value.reason is Reason.SPEECH_OVERLOADED
    assert refusal.value.metadata == {"engine": "recognition"}
    assert refusal.value.retry_after is not None


async def test_work_is_measured() -> None:
    meter = Readings()
    threads = EngineThreads(1, Backlog(), name="test", engine="recognition", meter=meter)
    try:
        await threads.run(Priority.PARTIAL, lambda: None)
        await threads.run(Priority.FINAL, lambda: None)
    finally:
        threads.close()
    assert meter.kinds == ["partial", "final"]


class Readings:
    """What an engine told its meter."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.refusals: list[str] = []

    def engine_worked(self, engine: str, kind: str, waited: float, took: float) -> None:
        assert engine == "recognition"
        assert waited >= 0
        assert took >= 0
        self.kinds.append(kind)

    def engine_refused(self, engine: str, what: str) -> None:
        self.refusals.append(what)
