"""`kaiwa-server doctor`."""

from __future__ import annotations

import io
import socket
from dataclasses import replace
from pathlib import Path

from server.config import Envoy, Settings
from server.supervisor.doctor import examine
from server.supervisor.screen import Screen
from tests.support.processes import free_port


def lines_of(settings: Settings) -> tuple[int, dict[str, str]]:
    """The exit status, and what was said about each thing."""
    output = io.StringIO()
    status = examine(settings, Screen(output))
    lines = [
        line.strip() for line in output.getvalue().splitlines() if line.startswith("  ✓") or line.startswith("  ✗")
    ]
    return status, {line[2:14].strip(): line[0] + line[14:] for line in lines}


def settings_in(folder: Path) -> Settings:
    def address() -> str:
        return f"127.0.0.1:{free_port()}"

    envoy = Envoy(listen=address(), admin=address())
    return Settings(home=folder, listen=address(), metrics_listen=address(), envoy=envoy)


def without_weights(settings: Settings) -> Settings:
    return replace(settings, whisper=replace(settings.whisper, model="/no/such/folder"))


def test_what_is_here_and_what_is_not(tmp_path: Path) -> None:
    status, said = lines_of(without_weights(settings_in(tmp_path)))
    assert status == 1
    assert {name for name, line in said.items() if line[0] == "✗"} == {"Whisper"}
    assert "/no/such/folder" in said["Whisper"]
    assert "the embedded one" in said["PostgreSQL"]
    assert said.keys() == {
        "Python",
        "machine",
        "folder",
        "PostgreSQL",
        "Envoy",
        "Open JTalk",
        "Whisper",
        "Domino",
        "addresses",
    }


def test_a_taken_port_and_a_database_that_is_away(tmp_path: Path) -> None:
    settings = without_weights(settings_in(tmp_path))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        url = f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing"
        _, said = lines_of(replace(settings, listen=address, database_url=url))
    assert said["addresses"][0] == "✗"
    assert "KAIWA_LISTEN" in said["addresses"]
    assert said["PostgreSQL"][0] == "✗"
    assert "does not answer" in said["PostgreSQL"]
