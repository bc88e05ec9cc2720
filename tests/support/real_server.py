"""A real server, `kaiwa-server serve` as a process of its own, with real Whisper behind it, and people to call it.

One serves all tests of a session on a database of the tests' PostgreSQL (`real_server`, with Envoy before it in
`real_door`); tests that kill theirs start their own, with an embedded PostgreSQL in its folder.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import psutil
import pytest

from kaiwa.accounts.v1 import accounts_service_pb2 as accounts
from kaiwa.accounts.v1.accounts_service_pb2_grpc import AccountsServiceStub
from tests.support.front_door import FrontDoor, front_door
from tests.support.postgres import Databases
from tests.support.processes import until

_SETTINGS = {
    "KAIWA_LISTEN": "127.0.0.1:0",
    "KAIWA_METRICS_LISTEN": "off",
    "KAIWA_AUDIO_SECONDS_PER_DAY": "86400",
    **{f"KAIWA_RATE_{kind}": "1000000" for kind in ("SIGN_IN", "NORMAL", "COSTLY", "AUDIO")},
}
_PASSWORD = "雨の日の散歩 27"


@dataclass(frozen=True, slots=True)
class Learner:
    """Somebody who is signed in.

    Attributes:
        address: of the server.
        token: an access token.
    """

    address: str
    user_id: str
    email: str
    password: str
    token: str
    refresh_token: str

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What signs a call."""
        return (("authorization", f"Bearer {self.token}"),)


@dataclass(slots=True)
class RealServer:
    """How to start it, and what runs.

    Attributes:
        home: its KAIWA_HOME.
        settings: variables in which it differs from the others of the tests.
    """

    home: Path
    settings: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    address: str = ""

    @property
    def log_file(self) -> Path:
        """Where it writes, beside its home."""
        return self.home.with_name(f"{self.home.name}-log.jsonl")

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def start(self) -> None:
        """Starts it, and waits until it answers; `address` is where."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KAIWA_")}
        with self.log_file.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "server", "serve"],
                env={**inherited, **_SETTINGS, "KAIWA_HOME": str(self.home), **self.settings},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        until(lambda: self.ended() or bool(self.said("serving")), "the server to serve", seconds=90)
        assert not self.ended(), self.log_file.read_text(encoding="utf-8")
        self.address = f"127.0.0.1:{self.said('serving')[0]['port']}"

    def said(self, event: str) -> list[dict[str, object]]:
        """The lines of its log about an event."""
        lines = self.log_file.read_text(encoding="utf-8").splitlines(keepends=True)
        whole = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]
        return [line for line in whole if line.get("event") == event]

    def ended(self) -> bool:
        """Whether it is over."""
        return self.process is not None and self.process.poll() is not None

    def send(self, number: int) -> None:
        """Sends it a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self) -> int:
        """Waits for its end; its exit status."""
        assert self.process is not None
        return self.process.wait(60)

    def stop(self) -> int:
        """Ends it in order; its exit status."""
        self.send(signal.SIGTERM)
        return self.wait()

    def children(self) -> list[psutil.Process]:
        """What it has started and what lives, PostgreSQL with its own processes included."""
        processes = [] if self.ended() else psutil.Process(self.pid).children(recursive=True)
        if (postgres := self.postgres()) is not None and postgres not in processes:
            processes += [postgres, *postgres.children(recursive=True)]
        return processes

    def postgres(self) -> psutil.Process | None:
        """The main process of its embedded PostgreSQL, if that lives."""
        with suppress(OSError, ValueError, psutil.Error):
            pid = int((self.home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE:
                return process
        return None

    def channel(self) -> grpc.aio.Channel:
        """A connection to it."""
        return grpc.aio.insecure_channel(self.address)

    def register(self) -> Learner:
        """A new learner."""
        name = f"learner-{uuid.uuid4().hex[:12]}"
        request = accounts.RegisterRequest(email=f"{name}@example.org", username=name, password=_PASSWORD)
        with grpc.insecure_channel(self.address) as channel:
            made: accounts.RegisterResponse = AccountsServiceStub(channel).Register(request, timeout=20)
        tokens = made.tokens
        return Learner(self.address, made.user.id, request.email, _PASSWORD, tokens.access_token, tokens.refresh_token)


@contextmanager
def cleaned_up(server: RealServer) -> Iterator[RealServer]:
    """Leaves nothing of it running, whatever the test did."""
    try:
        yield server
    finally:
        left = server.children() if server.process is not None else []
        postgres = server.postgres()
        if server.process is not None and not server.ended():
            server.send(signal.SIGKILL)
            server.wait()
        if postgres is not None:
            with suppress(psutil.Error):
                postgres.resume()
                postgres.send_signal(signal.SIGINT)
            until(lambda: server.postgres() is None, "PostgreSQL to end")
        for process in left:
            with suppress(psutil.Error):
                process.kill()


@pytest.fixture(scope="session")
def real_server(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealServer]:
    """The server that tests share; they keep apart by their learners."""
    with databases.fresh(databases.migrated) as url:
        home = tmp_path_factory.mktemp("real-server") / "home"
        home.mkdir()
        with cleaned_up(RealServer(home, {"KAIWA_DATABASE_URL": url})) as server:
            server.start()
            yield server


@pytest.fixture(scope="session")
def real_door(real_server: RealServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontDoor]:
    """Envoy before the shared server."""
    with front_door(tmp_path_factory.mktemp("real-door"), [real_server.address]) as door:
        yield door


@pytest.fixture
def someone(real_server: RealServer) -> Learner:
    """A learner of the shared server whom no other test knows."""
    return real_server.register()
