"""`kaiwa-server`: what it says when it is asked, and when it is called wrongly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.__main__ import main
from server.adapters.tokens.keys import load_keys
from tests.support.front_door import Backend
from tests.support.processes import free_port


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KAIWA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def backend() -> Iterator[Backend]:
    backend = Backend("one")
    yield backend
    backend.stop()


@pytest.mark.parametrize("arguments", [["--help"], ["up", "--help"], ["serve", "--help"], ["migrate", "--help"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 0
    assert "kaiwa-server" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[], ["fly"], ["serve", "--wings"]])
def test_called_wrongly(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == 2
    assert "usage: kaiwa-server" in capsys.readouterr().err


def test_settings_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("KAIWA_LISTEN", "nowhere")
    monkeypatch.setenv("KAIWA_STREAMS", "many")
    assert main(["doctor"]) == 2
    said = capsys.readouterr().err
    assert "KAIWA_LISTEN" in said
    assert "KAIWA_STREAMS" in said


def test_options_stand_above_the_environment(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAIWA_SERVICES", "speech")
    assert main(["serve", "--services", "cooking"]) == 2
    assert "no such service: cooking" in capsys.readouterr().err


def test_migrate_and_its_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], empty_database_url: str
) -> None:
    monkeypatch.setenv("KAIWA_DATABASE_URL", empty_database_url)
    assert main(["migrate", "--check"]) == 1
    assert "run kaiwa-server migrate" in capsys.readouterr().err
    assert main(["migrate"]) == 0
    assert "The schema went from nothing to" in capsys.readouterr().out
    assert main(["migrate", "--check"]) == 0
    assert main(["migrate"]) == 0
    assert "up to date" in capsys.readouterr().out


def test_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("KAIWA_DATABASE_URL", f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    assert main(["migrate"]) == 1
    assert capsys.readouterr().err.startswith("kaiwa-server: The database")


def test_keys_are_made_listed_and_added(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys"]) == 0
    first = capsys.readouterr().out.split()[0]
    assert main(["keys", "--add"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0] == first
    assert lines[1].endswith("signs")
    assert load_keys(home / "keys").signer.id == lines[1].split()[0]


def test_envoy_configuration_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["envoy", "--print"]) == 0
    assert "static_resources" in capsys.readouterr().out


def test_health(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], backend: Backend) -> None:
    monkeypatch.setenv("KAIWA_LISTEN", backend.address)
    assert main(["health"]) == 0
    backend.report(serving=False)
    assert main(["health"]) == 1
    assert "not serving" in capsys.readouterr().err


def test_health_of_what_is_not_there(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("KAIWA_LISTEN", f"127.0.0.1:{free_port()}")
    monkeypatch.setenv("KAIWA_ENVOY_LISTEN", f"127.0.0.1:{free_port()}")
    assert main(["health"]) == 1
    assert "UNAVAILABLE" in capsys.readouterr().err
    assert main(["health", "--envoy"]) == 1
    assert "no server that is well" in capsys.readouterr().err


def test_keys_are_removed_once_no_token_needs_them(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys"]) == 0
    assert main(["keys", "--add"]) == 0
    assert main(["keys", "--add"]) == 0
    first, second, third = (key.id for key in load_keys(home / "keys").keys)
    os.utime(home / "keys" / f"{second}.pem", (0, 0))
    capsys.readouterr()

    # The second came a moment ago, whatever its file says, and so the tokens of the first may live.
    assert main(["keys", "--prune"]) == 0

    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in said] == [[first, "kept:"], [second, "kept:"], [third, "signs"]]
    assert [key.id for key in load_keys(home / "keys").keys] == [first, second, third]

    assert main(["keys", "--prune", "--force"]) == 0

    said = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in said] == [[first, "removed"], [second, "removed"], [third, "signs"]]
    assert [key.id for key in load_keys(home / "keys").keys] == [third]
    assert main(["keys", "--prune", "--force"]) == 0
    assert [key.id for key in load_keys(home / "keys").keys] == [third]


def test_keys_that_are_old_enough_are_removed_without_force(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # Two keys of long ago, named by hand.
    assert main(["keys"]) == 0
    (made,) = (home / "keys").glob("*.pem")
    for name in ("2024-a", "2024-b"):
        (home / "keys" / f"{name}.pem").write_bytes(made.read_bytes())
        os.utime(home / "keys" / f"{name}.pem", (1_700_000_000, 1_700_000_000))
    made.unlink()

    assert main(["keys", "--prune"]) == 0

    assert [key.id for key in load_keys(home / "keys").keys] == ["2024-b"]


def test_force_alone_means_nothing(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "--force"]) == 2
    assert "--prune" in capsys.readouterr().err
