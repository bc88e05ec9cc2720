"""The whole of Kaiwa, as `make run` starts it: practices at the command line and from a browser, and deaths."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import threading
import uuid
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kaiwa.accounts.v1 import accounts_service_pb2 as accounts
from kaiwa.speech.v1 import speech_service_pb2 as speech
from kaiwa.speech.v1.audio_pb2 import AudioEncoding, AudioFormat
from kaiwa.speech.v1.practice_pb2 import PracticeConfig
from server.supervisor.demo_recording import sentence
from tests.support.grpcweb import GrpcWeb
from tests.support.processes import until
from tests.support.running_up import Up, cleaned_up

pytestmark = [pytest.mark.slow, pytest.mark.e2e]

SPEECH = "/kaiwa.speech.v1.SpeechService"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("practice") / "home"


@pytest.fixture
def up(folder: Path) -> Iterator[Up]:
    with cleaned_up(Up(folder, {"KAIWA_SERVICES": "accounts,content,speech"})) as up:
        up.start()
        yield up


class Learner:
    """The demo learner at their command line, with nothing kept from elsewhere."""

    def __init__(self, up: Up) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("KAIWA_")}
        self._environment = {**inherited, "XDG_CONFIG_HOME": str(up.folder.with_name("config"))}
        # The last line is the command, with the variables that it needs before it.
        words = shlex.split(up.text.rstrip().splitlines()[-1])
        while "=" in words[0]:
            name, _, value = words.pop(0).partition("=")
            self._environment[name] = value
        self.practice = [*words, "--json"]
        self._kaiwa = words[0]

    def start(self, command: list[str], output: Path) -> subprocess.Popen[bytes]:
        with output.open("wb") as file:
            return subprocess.Popen(command, env=self._environment, stdout=file, stderr=file)

    def run(self, command: list[str]) -> list[dict[str, Any]]:
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def history(self) -> set[str]:
        return {attempt["attempt_id"] for attempt in self.run([self._kaiwa, "history", "--json"])}


def assert_heard(summary: dict[str, Any]) -> None:
    assert summary["type"] == "summary"
    assert summary["partials"] >= 2
    assert summary["transcript"].rstrip("。") == sentence().rstrip("。")
    assert summary["assessable"]
    assert summary["scores"]["overall"] > 80


def test_the_printed_command_practises_and_what_it_stored_survives_sigkill(up: Up) -> None:
    learner = Learner(up)
    summary = learner.run(learner.practice)[-1]
    assert_heard(summary)
    assert summary["attempt_id"] in learner.history()

    for child in up.children():
        child.kill()
    up.send(signal.SIGKILL)
    up.wait()
    postgres = up.postgres()
    assert postgres is not None
    os.kill(postgres, signal.SIGKILL)

    up.start()
    assert summary["attempt_id"] in Learner(up).history()
    assert up.stop() == 0


def test_ctrl_c_lets_a_practice_end(up: Up, tmp_path: Path) -> None:
    learner = Learner(up)
    output = tmp_path / "practice.jsonl"
    practice = learner.start(learner.practice, output)
    until(lambda: '"type": "partial"' in output.read_text() or practice.poll() is not None, "a partial transcript")
    assert up.stop() == 0, up.text
    assert practice.wait(30) == 0, output.read_text()
    assert_heard(json.loads(output.read_text().splitlines()[-1]))
    assert up.children() == []


def test_a_second_ctrl_c_does_not_wait(up: Up, tmp_path: Path) -> None:
    learner = Learner(up)
    output = tmp_path / "practice.jsonl"
    practice = learner.start(learner.practice, output)
    until(lambda: '"type": "partial"' in output.read_text() or practice.poll() is not None, "a partial transcript")
    up.send(signal.SIGINT)
    until(lambda: "Stopping" in up.text, "the stop to begin")
    up.send(signal.SIGINT)
    assert up.wait() == 0
    practice.wait(30)
    assert '"type": "saved"' not in output.read_text()
    assert up.children() == []


def test_a_browser_practises_through_envoy(up: Up) -> None:
    web = GrpcWeb(up.front, origin="http://localhost:5173", timeout=30)
    credentials = json.loads((up.folder / "demo.json").read_text())["learner"]
    login = accounts.LoginRequest(login=credentials["email"], password=credentials["password"])
    messages, call = web.call("/kaiwa.accounts.v1.AccountsService/Login", login.SerializeToString())
    assert call.status == 0, call.message
    token = accounts.LoginResponse.FromString(messages[0]).tokens.access_token

    practice_id = str(uuid.uuid4())
    metadata = {"authorization": f"Bearer {token}", "x-kaiwa-practice-id": practice_id}
    audio_format = AudioFormat(encoding=AudioEncoding.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16000)
    config = PracticeConfig(practice_id=practice_id, reference_text=sentence(), audio_format=audio_format)
    opening = speech.OpenPracticeRequest(config=config)
    stream = web.start(f"{SPEECH}/OpenPractice", opening.SerializeToString(), metadata)
    events: list[speech.OpenPracticeResponse] = []
    listener = threading.Thread(
        target=lambda: events.extend(speech.OpenPracticeResponse.FromString(message) for message in stream)
    )
    listener.start()
    with wave.open(str(up.folder / "demo.wav")) as recording:
        audio = recording.readframes(recording.getnframes())
    for offset in range(0, len(audio), 32_000):
        push = speech.PushPracticeAudioRequest(
            practice_id=practice_id, offset=offset, audio=audio[offset : offset + 32_000]
        )
        messages, call = web.call(f"{SPEECH}/PushPracticeAudio", push.SerializeToString(), metadata)
        assert call.status == 0, call.message
        acknowledged = speech.PushPracticeAudioResponse.FromString(messages[0]).acknowledged_offset
        assert acknowledged == min(offset + 32_000, len(audio))
    finish = speech.FinishPracticeRequest(practice_id=practice_id, final_offset=len(audio))
    assert web.call(f"{SPEECH}/FinishPractice", finish.SerializeToString(), metadata)[1].status == 0
    listener.join(60)

    assert stream.status == 0, stream.message
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[0] == "ready"
    assert kinds[-1] == "saved"
    transcript = next(event.transcript for event in events if event.WhichOneof("event") == "transcript")
    assert transcript.text.rstrip("。") == sentence().rstrip("。")
    assert up.stop() == 0
