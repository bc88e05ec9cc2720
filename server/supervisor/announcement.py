"""What `up` says when everything is ready."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path

from server.config import Settings
from server.supervisor.demo_recording import sentence
from server.supervisor.envoy import reachable
from server.supervisor.home import Home
from server.supervisor.screen import Screen

_DEFAULT = Settings()


def announce(screen: Screen, settings: Settings, home: Home, seconds: float) -> None:
    """Shows the addresses and, as the last line, a command that practises a first sentence."""
    server = reachable(settings.listen)
    front = f"http://{reachable(settings.envoy.listen)}"
    entries = [
        ("gRPC", server),
        ("gRPC-web", f"{front} (gRPC too)"),
        ("Envoy's page", f"http://{reachable(settings.envoy.admin)}"),
        ("reflection", f"{_program('grpcurl')} -plaintext {server} list"),
        ("", f"{_program('buf')} curl --protocol grpc --http2-prior-knowledge http://{server} --list-methods"),
    ]
    if settings.metrics_listen is not None:
        entries.append(("metrics", f"http://{reachable(settings.metrics_listen)}/metrics"))
    entries.append(("logs", _short(home.logs)))
    if home.demo_accounts.exists():
        entries.append(("demo users", f"{_short(home.demo_accounts)} has their passwords"))
    screen.line()
    screen.heading(f"Kaiwa is ready after {seconds:.1f} s. Ctrl-C stops it.")
    screen.line()
    for name, value in entries:
        screen.line(f"  {name:<14} {value}")
    if home.demo_recording.exists():
        _invite(screen, settings, home)


def _invite(screen: Screen, settings: Settings, home: Home) -> None:
    screen.line()
    screen.line("Practise a first sentence, in another terminal:")
    screen.line(practice_command(settings, home))


def practice_command(settings: Settings, home: Home) -> str:
    """A shell command that practises a sentence with a recording of it."""
    words = []
    if settings.home != _DEFAULT.home.absolute():
        words.append(f"KAIWA_HOME={shlex.quote(_short(settings.home))}")
    if settings.listen != _DEFAULT.listen:
        words.append(f"KAIWA_ADDRESS={shlex.quote(reachable(settings.listen))}")
    recording = shlex.quote(_short(home.demo_recording))
    return " ".join([*words, _program("kaiwa"), "practice", "--text", f'"{sentence()}"', recording, "--realtime"])


def _program(name: str) -> str:
    beside = Path(sys.executable).parent / name
    return shlex.quote(_short(beside)) if beside.exists() else name


def _short(path: Path) -> str:
    """A path as one would type it here."""
    relative = os.path.relpath(path)
    return relative if not relative.startswith("..") else str(path)
