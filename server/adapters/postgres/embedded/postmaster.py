"""What a data folder and the operating system say about the PostgreSQL server that runs on it."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

PID_FILE = "postmaster.pid"


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A running server, as its pid file describes it.

    Attributes:
        pid: its main process.
        socket_folder: where it listens; None while it hasn't said yet.
    """

    pid: int
    socket_folder: Path | None


def running_postmaster(data: Path) -> Postmaster | None:
    """The server that runs on a data folder, if there is one.

    The process that the pid file names must be a PostgreSQL on this very folder: after a crash or a reboot the number
    may belong to anything.
    """
    try:
        lines = (data / PID_FILE).read_text().splitlines()
        pid = int(lines[0])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if not runs_on(pid, data):
        return None
    return Postmaster(pid, Path(lines[4]) if len(lines) > 4 and lines[4] else None)


def runs_on(pid: int, data: Path) -> bool:
    """Whether a process is a PostgreSQL server that runs on `data`; a zombie is not."""
    command = _command_line(pid)
    if not command or not Path(command[0]).name.startswith("postgres"):
        return False
    if sys.platform == "linux":
        # Survives the folder's being renamed, unlike the command line.
        with contextlib.suppress(OSError):
            return os.path.samestat(Path(f"/proc/{pid}/cwd").stat(), data.stat())
    # Nobody else's process can be looked into; the command line can.
    return str(data) in command


def clear_stale_files(data: Path) -> None:
    """Removes the pid file of a server that isn't running.

    PostgreSQL does it by itself, unless some other process has got the number since. That no process of the old server
    is left it finds out by the shared memory, not by this file.
    """
    (data / PID_FILE).unlink(missing_ok=True)


def stop_process(pid: int, data: Path, how: signal.Signals, timeout: timedelta) -> bool:
    """Signals a server that is no child of ours and waits for its end; whether it ended in time."""
    if not runs_on(pid, data):
        return True
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)
    deadline = time.monotonic() + timeout.total_seconds()
    while runs_on(pid, data):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _command_line(pid: int) -> list[str]:
    if sys.platform == "linux":
        try:
            raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return []
        return [os.fsdecode(part) for part in raw.split(b"\0")[:-1]]
    else:
        ps = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
        shown = subprocess.run(ps, capture_output=True, text=True, check=False).stdout.strip()
        # `-D` is always the first option we give, `-c` the next: that is where a path with spaces ends.
        program, _, rest = shown.partition(" -D ")
        return [program, "-D", rest.partition(" -c ")[0]] if program else []
