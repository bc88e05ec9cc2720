"""Reads the sentences of imports on several cores: Open JTalk holds the interpreter while it works."""

from __future__ import annotations

import asyncio
import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import timedelta

from server.adapters.openjtalk.taking_apart import TextParts
from server.content.domain.entries import Entry, ReadSentence, read_sentence
from server.errors import Reason, Unavailable

_PORTION = 250
_parts: TextParts | None = None


class PoolBatchAnalyser:
    """A `BatchAnalyser` with processes of its own, started when first needed (about 250 MiB each).

    Args:
        workers: how many processes.
    """

    def __init__(self, workers: int = 2) -> None:
        self._workers = workers
        self._pool: ProcessPoolExecutor | None = None

    async def read(self, entries: Sequence[Entry]) -> Sequence[ReadSentence]:
        """What is read out of each.

        Raises:
            Unavailable: ANALYZER_UNAVAILABLE when a process died.
        """
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self._workers, multiprocessing.get_context("spawn"), _begin, (os.getpid(),)
            )
        loop = asyncio.get_running_loop()
        portions = [entries[start : start + _PORTION] for start in range(0, len(entries), _PORTION)]
        try:
            read = await asyncio.gather(*(loop.run_in_executor(self._pool, _read, list(each)) for each in portions))
        except BrokenProcessPool as error:
            self._pool = None
            raise Unavailable(
                Reason.ANALYZER_UNAVAILABLE, "The analyser died.", retry_after=timedelta(seconds=1)
            ) from error
        return [sentence for portion in read for sentence in portion]

    def close(self) -> None:
        """Ends the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _begin(parent: int) -> None:
    """Ends with the worker, however that ends, and leaves Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        set_parent_death_signal = 1
        ctypes.CDLL(None, use_errno=True).prctl(set_parent_death_signal, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    os.nice(5)


def _read(entries: list[Entry]) -> list[ReadSentence]:
    global _parts
    if _parts is None:
        _parts = TextParts()
    return [read_sentence(entry, [word.word for word in _parts.words(entry.japanese)]) for entry in entries]
