"""One process of `decoder_child`: started, given one job, and taken away."""

from __future__ import annotations

import asyncio
import os
import struct
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_PROGRAM = Path(__file__).with_name("decoder_child.py")
_JOB = struct.Struct("<dd")
_READY = b"R"
_PIECE = 1 << 18
# Two threads of linear algebra for which there is no use would count against the limits.
_ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1"}


class NotStarted(Exception):
    """The process did not come up."""


class TooMuchOutput(Exception):
    """The process wrote more than its job allows: it is not itself any more."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may use.

    Attributes:
        memory_bytes: address space; PyAV and numpy take about 200 MiB of it before they do anything.
        wall_seconds: time for a job, from handing it over to the last sample.
        start_seconds: time to come up.
    """

    memory_bytes: int = 768 * 1024 * 1024
    wall_seconds: float = 15.0
    start_seconds: float = 20.0


class DecoderProcess:
    """A started process. `end` must be called, whatever happens.

    Args:
        process: with its standard input and output as pipes.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        if process.stdin is None or process.stdout is None:
            raise ValueError("the process has no pipes")
        self._stdin = process.stdin
        self._stdout = process.stdout

    @classmethod
    async def start(cls, limits: Limits, ending: Callable[[DecoderProcess], object]) -> DecoderProcess:
        """Starts one and waits until it is ready.

        Args:
            limits: what it may use.
            ending: is given the process when it did not come up or nobody waits for it any more.

        Raises:
            NotStarted: it did not come up in time or at all.
        """
        try:
            process, given_up = await _whole(_spawn(limits))
        except OSError as error:
            raise NotStarted from error
        started = cls(process)
        if given_up:
            ending(started)
            raise asyncio.CancelledError
        try:
            async with asyncio.timeout(limits.start_seconds):
                if await started._stdout.read(1) != _READY:
                    raise NotStarted
        except TimeoutError as error:
            ending(started)
            raise NotStarted from error
        except BaseException:
            ending(started)
            raise
        return started

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended, by the system's word: asyncio hears of an end a moment later."""
        if self._process.returncode is not None:
            return False
        try:
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None
        except ChildProcessError:
            return False

    async def run(
        self, data: bytes, *, longest_seconds: float, wall_seconds: float, most: int
    ) -> tuple[int, bytearray]:
        """Does its one job.

        Args:
            data: the file.
            longest_seconds: of audio.
            wall_seconds: after this time the process ends itself by SIGALRM, if it is still there.
            most: bytes of output.

        Returns:
            The exit status as of `subprocess` (negative: the signal that ended it), and the output.

        Raises:
            TooMuchOutput: it wrote more than `most`.
        """
        # A process that ends before it has read everything says why by its status.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._stdin.write(_JOB.pack(longest_seconds, wall_seconds))
            view = memoryview(data)
            for start in range(0, len(data), _PIECE):
                self._stdin.write(view[start : start + _PIECE])
                await self._stdin.drain()
            self._stdin.close()
        output = bytearray()
        while piece := await self._stdout.read(_PIECE):
            output += piece
            if len(output) > most:
                raise TooMuchOutput
        return await self._process.wait(), output

    def kill(self) -> None:
        """Kills the process, if it is still there; `run` then returns."""
        if self.alive:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def end(self) -> None:
        """Kills the process, if it is still there, and waits until it is gone. Not while `run` is under way."""
        self.kill()
        self._stdin.close()
        # Its end is only seen when everything that it wrote has been read.
        while await self._stdout.read(_PIECE):
            pass
        await self._process.wait()


async def _spawn(limits: Limits) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",
        "-B",
        str(_PROGRAM),
        str(os.getpid()),
        str(int(limits.wall_seconds) + 5),
        str(limits.memory_bytes),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=_ENVIRONMENT,
        cwd="/",
        # A Ctrl-C in the server's terminal is the server's to act upon.
        start_new_session=True,
        limit=_PIECE,
    )


async def _whole(work: Coroutine[object, object, T]) -> tuple[T, bool]:
    """The result of work that must not be cancelled half-way, and whether somebody tried.

    asyncio loses track of a process whose creation (a few milliseconds) is cancelled.
    """
    task = asyncio.create_task(work)
    given_up = False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            given_up = True
    return task.result(), given_up
