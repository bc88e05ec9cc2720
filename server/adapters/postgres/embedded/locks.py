"""Locks between the processes that share one embedded server. The kernel lets go of them when a process dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from server.adapters.postgres.embedded.errors import EmbeddedPostgresError


@contextmanager
def taking_turns(file: Path, wait: timedelta) -> Iterator[None]:
    """Lets one process at a time start or stop the server.

    Raises:
        EmbeddedPostgresError: another one has been at it for longer than `wait`.
    """
    descriptor = _open(file)
    try:
        deadline = time.monotonic() + wait.total_seconds()
        while not _try(descriptor, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(
                    f"another process has been starting or stopping this PostgreSQL for {wait.seconds} s ({file})"
                )
            time.sleep(0.02)
        yield
    finally:
        os.close(descriptor)


class Users:
    """Who uses the server: each process holds a share while it does, and the last one to leave stops the server."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._descriptor: int | None = None

    def join(self) -> None:
        """Takes a share; does nothing if this has one."""
        if self._descriptor is None:
            descriptor = _open(self._file)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            self._descriptor = descriptor

    def leave(self) -> bool:
        """Gives the share back; whether nobody else has one. Call it while `taking_turns`."""
        if self._descriptor is None:
            return False
        last = _try(self._descriptor, fcntl.LOCK_EX)
        os.close(self._descriptor)
        self._descriptor = None
        return last


def _open(file: Path) -> int:
    return os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _try(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
