"""Errors read like a good tool's, and each kind has its exit code."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from server.errors import InvalidInput, NotFound, OutOfRange, Reason, ResourceExhausted
from tests.clients.python.conftest import CommandLine, Recorder
from tests.support.fake_kaiwa import SENTENCE_ID, FakeKaiwa
from tests.support.fake_practice import TEXT
from tests.support.processes import free_port


@pytest.mark.parametrize("command", [["whoami"], ["history"], ["sentences"], ["transcribe", "rain.wav"]])
async def test_no_server_there(
    kaiwa: CommandLine, recorded: Recorder, command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    recorded()
    monkeypatch.chdir(tmp_path)
    address = f"127.0.0.1:{free_port()}"
    assert await kaiwa(*command, "--address", address) == 3
    assert kaiwa.err == f"kaiwa: Can't reach Kaiwa at {address}. Is it running? (make run)\n"
    assert kaiwa.out == ""


async def test_nobody_signed_in(kaiwa: CommandLine) -> None:
    assert await kaiwa("history") == 4
    assert "Nobody is signed in. Sign in with kaiwa login" in kaiwa.err


async def test_the_session_has_ended(kaiwa: CommandLine, fake: FakeKaiwa) -> None:
    kaiwa.environment["KAIWA_PASSWORD"] = "correct horse"
    await kaiwa("login", "--email", "mika@example.com")
    fake.state.sessions.clear()
    assert await kaiwa("history") == 4
    assert "Sign in again: kaiwa login (SESSION_REVOKED)" in kaiwa.err


async def test_files_that_are_no_recordings(learner: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    (tmp_path / "notes.txt").write_text("not audio", "utf-8")
    for name, words in {
        "missing.wav": "There is no file",
        "empty.wav": "is empty.",
        ".": "is a folder, not an audio file.",
        "notes.txt": "ffmpeg -i",
    }.items():
        assert await learner("practice", str(tmp_path / name)) == 1
        assert words in learner.err
        assert "Traceback" not in learner.err
    assert await learner("transcribe", str(tmp_path / "missing.wav")) == 1
    assert await learner("transcribe", str(tmp_path / "notes.txt")) == 1
    assert "The server can't decode this file" in learner.err


async def test_a_recording_without_sound(learner: CommandLine, recorded: Recorder) -> None:
    assert await learner("practice", str(recorded(seconds=0))) == 1
    assert "holds no sound." in learner.err


async def test_a_recording_that_is_longer_than_the_practice(
    learner: CommandLine, recorded: Recorder, fake: FakeKaiwa
) -> None:
    fake.speech.longest_utterance = timedelta(seconds=1)
    assert await learner("practice", str(recorded()), "--text", TEXT) == 1
    assert "plays for 1.5 s; this practice takes at most 1 s." in learner.err
    assert fake.speech.attempts == []


async def test_a_file_too_large_to_transcribe(learner: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "long.wav").write_bytes(b"RIFF" + bytes(4 * 1024 * 1024))
    assert await learner("transcribe", str(tmp_path / "long.wav")) == 1
    assert "at most 3.5 MiB" in learner.err


async def test_reasons_of_the_server(learner: CommandLine, recorded: Recorder, fake: FakeKaiwa) -> None:
    missing = {"sentence_id": SENTENCE_ID}
    fake.speech.refuse_config = [
        NotFound(Reason.SENTENCE_NOT_FOUND, "none", metadata=missing),
        OutOfRange(Reason.UTTERANCE_TOO_LONG, "long", metadata={"limit_seconds": "30"}),
        ResourceExhausted(Reason.DAILY_AUDIO_LIMIT, "enough", retry_after=timedelta(hours=3)),
        NotFound(Reason.CARD_NOT_FOUND, "There is no such card."),
    ]
    file = str(recorded())
    for words in (
        f"There is no sentence {SENTENCE_ID}. kaiwa sentences lists them. (SENTENCE_NOT_FOUND)",
        "longer than the 30 s that one practice may last. (UTTERANCE_TOO_LONG)",
        "as much audio as you may in a day. (DAILY_AUDIO_LIMIT)",
        "There is no such card. (CARD_NOT_FOUND)",
    ):
        assert await learner("practice", file, "--sentence-id", SENTENCE_ID) == 1
        assert words in learner.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["sing"],
        ["practice"],
        ["practice", "a.wav", "--text", "あ", "--sentence-id", SENTENCE_ID],
        ["practice", "a.wav", "--text", " "],
        ["practice", "a.wav", "--text", "あ" * 401],
        ["practice", "a.wav", "--session", "xx"],
        ["practice", "a.wav", "--sentence-id", "xx"],
        ["history", "--sentence-id", ""],
        ["attempt", "xyz"],
        ["sentences", "--difficulty", "5-2"],
        ["history", "--limit", "0"],
        ["whoami", "--address", "nowhere:port"],
        ["whoami", "--tls", "--address", "http://127.0.0.1:1"],
        ["whoami", "--tls", "--ca-file", "no-such.pem", "--token", "t"],
    ],
)
async def test_wrong_usage(kaiwa: CommandLine, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert await kaiwa(*arguments) == 2
    assert kaiwa.err or capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["practice", "a.wav", "--sentence-id", "xx"], "--sentence-id: 'xx' is no id; kaiwa sentences shows them"),
        (["attempt", "xyz"], "ID: 'xyz' is no id; kaiwa history shows them"),
        (["practice", "a.wav", "--text", "雨" * 600], "--text: it has 600 characters; a text to read has at most 400"),
    ],
)
async def test_wrong_values_are_told_by_their_option(
    kaiwa: CommandLine, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await kaiwa(*arguments) == 2
    assert words in capsys.readouterr().err


async def test_fields_that_the_server_refuses_are_told_by_their_option(learner: CommandLine, fake: FakeKaiwa) -> None:
    fake.state.overloaded = [
        InvalidInput("tags[1]", "must be at most 64 characters"),
        InvalidInput("min_difficulty", "must be less."),
    ]
    assert await learner("sentences") == 1
    assert learner.err == "kaiwa: --tag takes a tag of a sentence; kaiwa sentences shows them. (INVALID_FIELD)\n"
    assert await learner("sentences") == 1
    assert learner.err == "kaiwa: min_difficulty: must be less. (INVALID_FIELD)\n"


async def test_help(kaiwa: CommandLine, capsys: pytest.CaptureFixture[str]) -> None:
    assert await kaiwa("--help") == 0
    assert "Exit codes" in capsys.readouterr().out


async def test_debug_shows_the_trace(kaiwa: CommandLine, tmp_path: Path) -> None:
    assert await kaiwa("practice", str(tmp_path / "missing.wav"), "--debug") == 1
    assert "Traceback" in kaiwa.err
