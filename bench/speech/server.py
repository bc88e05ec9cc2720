"""A server of our own to measure, in a process of its own with everything new."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import psutil

from kaiwa.accounts.v1 import accounts_service_pb2 as accounts
from kaiwa.accounts.v1.accounts_service_pb2_grpc import AccountsServiceStub

_SETTINGS = {
    "KAIWA_LISTEN": "127.0.0.1:0",
    "KAIWA_METRICS_LISTEN": "off",
    "KAIWA_AUDIO_SECONDS_PER_DAY": "86400",
    **{f"KAIWA_RATE_{kind}": "1000000" for kind in ("SIGN_IN", "NORMAL", "COSTLY", "AUDIO")},
}


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs.

    Attributes:
        address: where it answers.
        pid: its process id.
    """

    address: str
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time of the server and of all it has started, since its start."""
        return sum(_cpu(process) for process in self._processes())

    def memory_mb(self) -> float:
        """Resident memory of the server process itself."""
        return float(psutil.Process(self.pid).memory_info().rss / 2**20)

    def register(self, count: int) -> list[str]:
        """Access tokens of this many new learners."""
        with grpc.insecure_channel(self.address) as channel:
            stub = AccountsServiceStub(channel)
            return [_register(stub) for _ in range(count)]

    def _processes(self) -> list[psutil.Process]:
        server = psutil.Process(self.pid)
        return [server, *server.children(recursive=True)]


@contextmanager
def running_server(settings: dict[str, str] | None = None) -> Iterator[Server]:
    """A new server, gone with all it kept when the block ends.

    Raises:
        RuntimeError: it did not start.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("KAIWA_")}
    with tempfile.TemporaryDirectory(prefix="kaiwa-bench-") as folder:
        log = Path(folder) / "log.jsonl"
        environment = {**inherited, **_SETTINGS, "KAIWA_HOME": str(Path(folder) / "home"), **(settings or {})}
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "server", "serve"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            yield Server(f"127.0.0.1:{_port(process, log)}", process.pid)
        finally:
            process.terminate()
            process.wait(60)


def _port(process: subprocess.Popen[bytes], log: Path) -> int:
    give_up = time.monotonic() + 90
    while time.monotonic() < give_up and process.poll() is None:
        for line in log.read_text(encoding="utf-8").splitlines():
            if line.startswith("{") and '"serving"' in line:
                return int(json.loads(line)["port"])
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text(encoding='utf-8')}")


def _register(stub: AccountsServiceStub) -> str:
    name = uuid.uuid4().hex[:20]
    answer = stub.Register(
        accounts.RegisterRequest(
            email=f"{name}@bench.invalid", username=name, password=f"{name}-{uuid.uuid4().hex}", time_zone="Asia/Tokyo"
        )
    )
    return str(answer.tokens.access_token)


def _cpu(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
