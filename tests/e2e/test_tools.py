"""grpcurl and `buf curl` against the real server and through Envoy, with nothing but reflection to go by."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from google.rpc.error_details_pb2 import ErrorInfo

from tests.support.front_door import FrontDoor
from tests.support.real_server import Learner, RealServer

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BIN = Path(sys.executable).parent
GRPCURL, BUF = BIN / "grpcurl", BIN / "buf"
needs_grpcurl = pytest.mark.skipif(not GRPCURL.exists(), reason="there is no grpcurl in a package for this platform")
SERVICES = {f"kaiwa.{name.lower()}.v1.{name}Service" for name in ("Accounts", "Content", "Learning", "Speech", "Jobs")}
ACCOUNTS, CONTENT, SPEECH = (f"kaiwa.{name.lower()}.v1.{name}Service" for name in ("Accounts", "Content", "Speech"))
NOBODYS = "0198c0de-0000-7000-8000-00000000dead"


@pytest.fixture(params=["server", "envoy"])
def address(request: pytest.FixtureRequest, real_server: RealServer, real_door: FrontDoor) -> str:
    return real_server.address if request.param == "server" else real_door.address


@pytest.fixture(params=["grpc", "grpc through envoy", "grpcweb"])
def curl(request: pytest.FixtureRequest, real_server: RealServer, real_door: FrontDoor) -> Curl:
    protocol, *_ = str(request.param).split()
    return Curl(protocol, real_server.address if request.param == "grpc" else real_door.address)


class Curl:
    """`buf curl` with a protocol, at an address."""

    def __init__(self, protocol: str, address: str) -> None:
        # Reflection is a bidirectional stream, which needs HTTP/2 also in gRPC-web.
        self._options = ["--protocol", protocol, "--http2-prior-knowledge"]
        self._url = f"http://{address}"

    def __call__(self, path: str, *arguments: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
        given = [] if data is None else ["-d", "@-"]
        url = f"{self._url}/{path}" if path else self._url
        return run(str(BUF), "curl", *self._options, *arguments, *given, url, data=data)


def run(*command: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=data or "", capture_output=True, text=True, check=False, timeout=60)


def grpcurl(*arguments: str, data: str | None = None) -> subprocess.CompletedProcess[str]:
    given = [] if data is None else ["-d", "@"]
    return run(str(GRPCURL), "-plaintext", *given, *arguments, data=data)


def signed_in(learner: Learner) -> tuple[str, str]:
    return "-H", f"authorization: Bearer {learner.token}"


def objects(text: str) -> list[dict[str, object]]:
    """The JSON objects that stand one after the other in a text."""
    decoder = json.JSONDecoder()
    found: list[dict[str, object]] = []
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def silent_practice() -> str:
    """The messages of a practice in which nothing is said, as JSON."""
    config = {
        "practiceId": str(uuid.uuid4()),
        "referenceText": "雨です",
        "audioFormat": {"encoding": "AUDIO_ENCODING_LINEAR16", "sampleRateHertz": 16000},
    }
    audio = base64.b64encode(bytes(32_000)).decode()
    messages: list[dict[str, object]] = [{"config": config}, {"audio": audio}, {"finish": {}}]
    return "\n".join(json.dumps(message) for message in messages)


def kinds(events: list[dict[str, object]]) -> list[str]:
    return [name for event in events for name in event if name not in {"sequence", "audioOffset", "audio_offset"}]


@needs_grpcurl
def test_grpcurl_lists_and_describes(address: str) -> None:
    listed = grpcurl(address, "list")
    assert set(listed.stdout.split()) >= {*SERVICES, "grpc.health.v1.Health"}, listed.stderr
    assert f"{SPEECH}.Practice" in grpcurl(address, "list", SPEECH).stdout.split()
    service = grpcurl(address, "describe", SPEECH).stdout
    assert "rpc Practice (" in grpcurl(address, "describe", f"{SPEECH}.Practice").stdout
    assert "rpc Practice ( stream .kaiwa.speech.v1.PracticeRequest )" in service
    message = grpcurl("-msg-template", address, "describe", "kaiwa.speech.v1.PracticeConfig").stdout
    assert "string reference_text = 4" in message
    assert '"practice_id": ""' in message.replace("practiceId", "practice_id")


@needs_grpcurl
def test_grpcurl_calls(address: str, someone: Learner) -> None:
    me = grpcurl(*signed_in(someone), address, f"{ACCOUNTS}/GetMe")
    assert me.returncode == 0, me.stderr
    assert json.loads(me.stdout)["user"]["email"] == someone.email
    found = grpcurl(*signed_in(someone), "-d", '{"query": "雨", "page_size": 3}', address, f"{CONTENT}/ListSentences")
    assert all("雨" in json.dumps(sentence, ensure_ascii=False) for sentence in json.loads(found.stdout)["sentences"])
    assert json.loads(grpcurl(address, "grpc.health.v1.Health/Check").stdout)["status"] == "SERVING"


@needs_grpcurl
def test_grpcurl_practises(address: str, someone: Learner) -> None:
    said = grpcurl(*signed_in(someone), address, f"{SPEECH}/Practice", data=silent_practice())
    assert said.returncode == 0, said.stderr
    assert kinds(objects(said.stdout)) == ["ready", "speech_ended", "transcript", "assessment", "saved"]


@needs_grpcurl
def test_grpcurl_shows_why_a_call_failed(address: str, someone: Learner) -> None:
    request = json.dumps({"id": NOBODYS})
    failed = grpcurl(*signed_in(someone), "-d", request, address, f"{CONTENT}/GetSentence")
    assert failed.returncode != 0
    assert "Code: NotFound" in failed.stderr
    assert "type.googleapis.com/google.rpc.ErrorInfo" in failed.stderr
    assert "ERROR_REASON_SENTENCE_NOT_FOUND" in failed.stderr
    assert NOBODYS in failed.stderr
    assert "ERROR_REASON_TOKEN_MISSING" in grpcurl("-d", request, address, f"{CONTENT}/GetSentence").stderr


def test_buf_curl_lists_methods(curl: Curl) -> None:
    listed = curl("", "--list-methods")
    assert listed.returncode == 0, listed.stderr
    assert {f"{SPEECH}/Practice", f"{ACCOUNTS}/GetMe", f"{CONTENT}/ListSentences"} <= set(listed.stdout.split())


def test_buf_curl_calls(curl: Curl, someone: Learner) -> None:
    me = curl(f"{ACCOUNTS}/GetMe", *signed_in(someone))
    assert me.returncode == 0, me.stderr
    assert json.loads(me.stdout)["user"]["email"] == someone.email


def test_buf_curl_shows_a_server_stream(curl: Curl, someone: Learner) -> None:
    done = curl(f"{SPEECH}/Practice", *signed_in(someone), data=silent_practice())
    events = objects(done.stdout)
    assert kinds(events) == ["ready", "speechEnded", "transcript", "assessment", "saved"], done.stderr
    saved = events[-1]["saved"]
    assert isinstance(saved, dict)
    request = json.dumps({"attemptId": saved["attemptId"], "format": "AUDIO_FILE_FORMAT_FLAC"})
    audio = curl(f"{SPEECH}/GetAttemptAudio", *signed_in(someone), data=request)
    assert audio.returncode == 0, audio.stderr
    header, first, *_ = objects(audio.stdout)
    assert header == {"header": header["header"]}
    assert base64.b64decode(str(first["audio"])).startswith(b"fLaC")


def test_buf_curl_shows_why_a_call_failed(curl: Curl, someone: Learner) -> None:
    failed = curl(f"{CONTENT}/GetSentence", *signed_in(someone), data=json.dumps({"id": NOBODYS}))
    assert failed.returncode != 0
    error = json.loads(failed.stderr)
    assert error["code"] == "not_found"
    # It shows details as they are on the wire.
    (info,) = (detail for detail in error["details"] if detail["type"] == "google.rpc.ErrorInfo")
    value = ErrorInfo.FromString(base64.b64decode(info["value"] + "=" * (-len(info["value"]) % 4)))
    assert value.reason == "ERROR_REASON_SENTENCE_NOT_FOUND"
    assert value.metadata["sentence_id"] == NOBODYS
