"""Processes that live and die with this one."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

_LOG_LIMIT = 16 * 2**20
_PR_SET_PDEATHSIG = 1


class Child:
    """A process in a session and process group of its own, so that a Ctrl-C in the terminal reaches us alone.

    On Linux it is told to end (SIGTERM) when we die, however we die. What it writes goes to the end of its log.

    Args:
        name: for messages.
        command: the program and its arguments.
        environment: all of its environment.
        log: where it writes; begun anew, with the old one kept beside it, when it has grown beyond 16 MiB.
    """

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._command = tuple(command)
        self._environment = dict(environment)
        self._process: asyncio.subprocess.Process | None = None
        self._log_start = 0

    @property
    def pid(self) -> int | None:
        """Its process id; None: it is not running."""
        return self._process.pid if self._process is not None and self._process.returncode is None else None

    async def start(self) -> None:
        """Starts it, once more if it has ended.

        Raises:
            OSError: it can't be started.
        """
        if self.log.exists() and self.log.stat().st_size > _LOG_LIMIT:
            self.log.replace(self.log.with_suffix(".log.1"))
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._log_start = os.fstat(descriptor).st_size
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()),
            )
        finally:
            os.close(descriptor)

    async def ended(self) -> int:
        """Waits for its end, and ends what it has started and left behind.

        Returns:
            Its exit status; of one killed by a signal, the signal's number, negative.
        """
        process = self._running()
        code = await process.wait()
        _signal_group(process.pid, signal.SIGKILL)
        return code

    async def stop(self, patience: timedelta) -> bool:
        """Asks it to end, and kills it if it hasn't within `patience`.

        Returns:
            Whether it ended by itself.
        """
        if self._process is None:
            return True
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        try:
            async with asyncio.timeout(patience.total_seconds()):
                await self.ended()
        except TimeoutError:
            await self.kill()
            return False
        return True

    async def kill(self) -> None:
        """Ends it at once, with everything that it has started."""
        if self._process is not None:
            _signal_group(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    def last_words(self, lines: int = 8) -> str:
        """The last of what it has written since it was started."""
        try:
            with self.log.open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_start, end - 8192))
                text = file.read().decode(errors="replace")
        except OSError:
            return ""
        return "\n".join(line[:400] for line in text.splitlines()[-lines:])

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise RuntimeError(f"{self.name} has not been started")
        return self._process


def describe_end(code: int) -> str:
    """An exit status in words: `exit status 1`, `killed by SIGKILL`."""
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _die_with(parent: int) -> Callable[[], None] | None:
    """What a child does before it becomes its program: on Linux, asks for SIGTERM at its parent's death."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def ask() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            # It died in between, so nobody will tell.
            os._exit(1)

    return ask
