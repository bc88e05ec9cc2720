"""The tools that people use against a gRPC server, through Envoy: no proto files, only reflection."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from tests.support.front_door import SPEECH, TOKEN, Backend, FrontDoor, front_door

pytestmark = pytest.mark.e2e

BIN = Path(sys.executable).parent
AUTHORIZATION = f"authorization: Bearer {TOKEN}"


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    backend = Backend("one")
    yield backend
    backend.stop()


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory, backend: Backend) -> Iterator[FrontDoor]:
    with front_door(tmp_path_factory.mktemp("envoy"), [backend.address]) as door:
        yield door


@pytest.fixture(params=["server", "envoy"])
def address(request: pytest.FixtureRequest, backend: Backend, door: FrontDoor) -> str:
    return backend.address if request.param == "server" else door.address


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def grpcurl(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run(str(BIN / "grpcurl"), "-plaintext", *arguments)


def buf_curl(protocol: str, address: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    transport = ["--http2-prior-knowledge"] if protocol == "grpc" else []
    return run(
        str(BIN / "buf"),
        "curl",
        "--protocol",
        protocol,
        *transport,
        *arguments,
        f"http://{address}/{SPEECH}/ListVoices",
    )


def test_grpcurl_lists_describes_and_calls(address: str) -> None:
    assert SPEECH in grpcurl(address, "list").stdout.split()
    assert "rpc OpenPractice" in grpcurl(address, "describe", SPEECH).stdout
    called = grpcurl("-H", AUTHORIZATION, "-d", "{}", address, f"{SPEECH}/ListVoices")
    assert json.loads(called.stdout)["voices"][0]["name"] == "one"


def test_grpcurl_shows_why_it_was_refused(address: str) -> None:
    refused = grpcurl(address, f"{SPEECH}/ListVoices")
    assert "Unauthenticated" in refused.stderr
    assert "ERROR_REASON_TOKEN_MISSING" in refused.stderr


def test_buf_curl_calls(address: str) -> None:
    called = buf_curl("grpc", address, "-H", AUTHORIZATION)
    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout)["voices"][0]["name"] == "one"


def test_buf_curl_calls_by_grpc_web(door: FrontDoor) -> None:
    # Reflection is a bidirectional stream, which needs HTTP/2 also in gRPC-web.
    called = buf_curl("grpcweb", door.address, "--http2-prior-knowledge", "-H", AUTHORIZATION)
    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout)["voices"][0]["name"] == "one"


def test_buf_curl_shows_why_it_was_refused(address: str) -> None:
    refused = buf_curl("grpc", address)
    assert refused.returncode != 0
    error = json.loads(refused.stderr)
    assert error["code"] == "unauthenticated"
    # It shows details as they are on the wire.
    (info,) = (detail for detail in error["details"] if detail["type"] == "google.rpc.ErrorInfo")
    value = base64.b64decode(info["value"] + "=" * (-len(info["value"]) % 4))
    assert ErrorInfo.FromString(value).reason == "ERROR_REASON_TOKEN_MISSING"
