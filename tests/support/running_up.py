"""A `kaiwa-server up` of a test's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from server.supervisor.home import Home
from server.supervisor.probes import serving_through_envoy
from tests.support.processes import free_port, until


@dataclass(slots=True)
class Up:
    """How to start it, and what runs.

    Attributes:
        folder: its KAIWA_HOME.
        environment: its settings, as far as they differ from the machine's environment.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    output: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.output = self.folder.with_name(f"{self.folder.name}-output.txt")
        ports = {"LISTEN", "ENVOY_LISTEN", "ENVOY_ADMIN", "METRICS_LISTEN"}
        self.environment = {
            "KAIWA_HOME": str(self.folder),
            # Speech would load its weights; nothing here needs it.
            "KAIWA_SERVICES": "accounts,content",
            **{f"KAIWA_{name}": f"127.0.0.1:{free_port()}" for name in ports},
            **self.environment,
        }

    @property
    def front(self) -> str:
        """Envoy's address."""
        return self.environment["KAIWA_ENVOY_LISTEN"]

    @property
    def text(self) -> str:
        """What it has written."""
        return self.output.read_text(encoding="utf-8")

    def start(self, *, ready: bool = True) -> None:
        """Starts it, and waits until it says that it is ready."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KAIWA_")}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "server", "up"],
                env={**inherited, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        if ready:
            until(lambda: self.ended() or "--realtime" in self.text, "Kaiwa to get ready", seconds=90)
            assert not self.ended(), self.text

    def ended(self) -> bool:
        """Whether it is over."""
        return self.process is not None and self.process.poll() is not None

    def wait(self) -> int:
        """Waits for its end; its exit status."""
        assert self.process is not None
        return self.process.wait(60)

    def send(self, number: int) -> None:
        """Sends it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> int:
        """Ends it as Ctrl-C does; its exit status."""
        self.send(signal.SIGINT)
        return self.wait()

    def children(self) -> list[psutil.Process]:
        """What it has started and what lives, PostgreSQL aside."""
        mine = self.process.pid if self.process is not None else None
        return [process for process in Home(self.folder).leftovers() if process.pid != mine]

    def child(self, word: str) -> psutil.Process:
        """The child whose command has this word."""
        return next(process for process in self.children() if word in process.cmdline() or word in process.name())

    def postgres(self) -> int | None:
        """The process id of its PostgreSQL, if that lives."""
        with suppress(OSError, ValueError, psutil.Error):
            pid = int((self.folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                return pid
        return None

    def answers(self) -> bool:
        """Whether its server answers through its Envoy."""
        return serving_through_envoy(self.front)


@contextmanager
def cleaned_up(up: Up) -> Iterator[Up]:
    """Leaves nothing of it running, whatever the test did."""
    try:
        yield up
    finally:
        if up.process is not None and not up.ended():
            up.send(signal.SIGKILL)
            up.wait()
        for process in up.children():
            with suppress(psutil.Error):
                process.kill()
        if (pid := up.postgres()) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            until(lambda: up.postgres() is None, "PostgreSQL to end")
