"""What `up` says at the end of a start."""

from __future__ import annotations

import io
import shlex
from pathlib import Path

import pytest

from server.config import Settings
from server.content.starter_deck import parse_deck, read_starter_deck
from server.supervisor.announcement import announce, practice_command
from server.supervisor.demo_recording import sentence
from server.supervisor.home import Home
from server.supervisor.screen import Screen


def test_the_command_is_short_where_nothing_is_changed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    home = Home(tmp_path / ".kaiwa")
    words = shlex.split(practice_command(Settings(home=home.folder), home))
    assert words[1:] == ["practice", "--text", sentence(), ".kaiwa/demo.wav", "--realtime"]
    assert words[0].endswith("/kaiwa")


def test_the_readme_practises_the_sentence_of_the_recording() -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    assert f'kaiwa practice --text "{sentence()}" .kaiwa/demo.wav --realtime\n' in readme


def test_the_command_names_what_is_changed(tmp_path: Path) -> None:
    home = Home(tmp_path / "a folder")
    settings = Settings(home=home.folder, listen="0.0.0.0:6000")
    words = shlex.split(practice_command(settings, home))
    assert words[:2] == [f"KAIWA_HOME={home.folder}", "KAIWA_ADDRESS=127.0.0.1:6000"]
    assert str(home.demo_recording) in words


def test_the_last_line_is_the_command(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.demo_recording.touch()
    home.demo_accounts.touch()
    output = io.StringIO()
    announce(Screen(output), Settings(home=tmp_path), home, 3.21)
    lines = output.getvalue().splitlines()
    assert lines[-1] == practice_command(Settings(home=tmp_path), home)
    for shown in (
        "3.2 s",
        "127.0.0.1:50051",
        "http://127.0.0.1:8080",
        "http://127.0.0.1:9901",
        "demo.json",
        "-plaintext",
    ):
        assert any(shown in line for line in lines), shown


def test_without_a_recording_nobody_is_invited(tmp_path: Path) -> None:
    output = io.StringIO()
    announce(Screen(output), Settings(home=tmp_path, metrics_listen=None), Home(tmp_path), 1)
    assert "practice" not in output.getvalue()
    assert "metrics" not in output.getvalue()


def test_the_sentence_is_one_of_the_deck() -> None:
    assert sentence() in {row.draft.japanese for row in parse_deck(read_starter_deck()).values()}
