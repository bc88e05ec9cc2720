"""Kaiwa's folder: one `up` at a time in it, and what an earlier one left behind."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil

MARK = "KAIWA_STARTED_BY_UP_IN"
"""The variable that every process started by `up` has in its environment; its value is the folder."""


class AlreadyRunning(Exception):
    """Another `up` works in this folder. The message says which and how to stop it."""


@dataclass(frozen=True, slots=True)
class Home:
    """Kaiwa's folder.

    Attributes:
        folder: absolute.
    """

    folder: Path

    @property
    def logs(self) -> Path:
        """Where children write."""
        return self.folder / "logs"

    @property
    def run(self) -> Path:
        """What only matters while Kaiwa runs."""
        return self.folder / "run"

    @property
    def demo_recording(self) -> Path:
        """A recording to practise with."""
        return self.folder / "demo.wav"

    @property
    def demo_accounts(self) -> Path:
        """Credentials of the demo accounts."""
        return self.folder / "demo.json"

    def prepare(self) -> None:
        """Makes the folders, for the user's eyes only.

        Raises:
            OSError: they can't be made.
        """
        for folder in (self.folder, self.logs, self.run):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Holds the folder against another `up`. The system gives it back if this process dies.

        Raises:
            AlreadyRunning: another process holds it.
        """
        descriptor = os.open(self.run / "up.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyRunning(_who_holds(os.read(descriptor, 4096), self.folder)) from None
            os.ftruncate(descriptor, 0)
            holder = {"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
            os.write(descriptor, json.dumps(holder).encode())
            yield
        finally:
            os.close(descriptor)

    def leftovers(self) -> list[psutil.Process]:
        """Processes that an earlier `up` in this folder has started and that live still.

        They are known by a variable in their environment, not by a number in a file: numbers are used again.
        """
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.pid != os.getpid() and process.environ().get(MARK) == str(self.folder):
                    found.append(process)
        return found


def end(processes: list[psutil.Process], patience: timedelta) -> None:
    """Asks processes to end, and kills those that haven't within `patience`."""
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=patience.total_seconds())
    for process in alive:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(alive, timeout=5)


def _who_holds(text: bytes, folder: Path) -> str:
    try:
        holder = json.loads(text)
        who = f"process {int(holder['pid'])}, since {datetime.fromisoformat(holder['since']).astimezone():%H:%M:%S}"
        how = f"Ctrl-C in its terminal or `kill {int(holder['pid'])}` stops it."
    except (ValueError, KeyError, TypeError):
        who, how = "another process", "Ctrl-C in its terminal stops it."
    return (
        f"Kaiwa is running in {folder} already ({who}). {how}\n"
        "For a second one beside it, set KAIWA_HOME, and the addresses that it is to listen at (docs/settings.md)."
    )
