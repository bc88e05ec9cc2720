"""`kaiwa-server up`, with its real children: from nothing to ready, killed in every way, and gone without a trace."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.processes import until
from tests.support.running_up import Up, cleaned_up

pytestmark = [pytest.mark.slow, pytest.mark.e2e]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("up") / "home"


@pytest.fixture
def up(folder: Path) -> Iterator[Up]:
    with cleaned_up(Up(folder)) as up:
        yield up


def assert_nothing_is_left(up: Up) -> None:
    assert up.children() == []
    assert up.postgres() is None


def test_from_nothing_to_ready_and_back(up: Up) -> None:
    up.start()
    assert up.answers()
    home = up.folder

    accounts = home / "demo.json"
    assert accounts.stat().st_mode & 0o777 == 0o600
    assert {"learner", "teacher"} <= json.loads(accounts.read_text()).keys()
    with wave.open(str(home / "demo.wav")) as recording:
        assert (recording.getframerate(), recording.getnchannels()) == (16000, 1)
        assert recording.getnframes() > 16000
    for name in ("server", "envoy", "worker"):
        assert (home / "logs" / f"{name}.log").exists()

    last = up.text.rstrip().splitlines()[-1]
    assert "kaiwa practice --text" in last
    assert last.endswith("demo.wav --realtime")
    for setting in ("KAIWA_LISTEN", "KAIWA_ENVOY_LISTEN", "KAIWA_ENVOY_ADMIN"):
        assert up.environment[setting] in up.text

    assert up.stop() == 0, up.text
    assert_nothing_is_left(up)


def test_the_second_start_is_quick(up: Up) -> None:
    began = time.monotonic()
    up.start()
    assert time.monotonic() - began < 20
    assert "recording" not in up.text.partition("Kaiwa is ready")[0]
    up.send(signal.SIGTERM)
    assert up.wait() == 0
    assert_nothing_is_left(up)


def test_a_second_one_in_the_same_folder_is_refused(up: Up) -> None:
    up.start()
    with cleaned_up(Up(up.folder)) as second:
        second.output = up.folder.with_name("second-output.txt")
        second.start(ready=False)
        assert second.wait() == 3
        assert up.process is not None
        assert f"process {up.process.pid}" in second.text
        second.process = None
        # It has not touched the one that runs.
        assert up.answers()
        up.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_children_do_not_outlive_a_killed_up(up: Up) -> None:
    up.start()
    accounts = (up.folder / "demo.json").read_text()
    postgres = up.postgres()
    up.send(signal.SIGKILL)
    up.wait()
    until(lambda: not up.children(), "the children to end")
    assert up.postgres() == postgres

    up.start()
    # Adopted, not started anew.
    assert up.postgres() == postgres
    assert json.loads((up.folder / "demo.json").read_text())["learner"] == json.loads(accounts)["learner"]
    assert up.stop() == 0
    assert_nothing_is_left(up)


def test_everything_killed_at_once(up: Up) -> None:
    up.start()
    postgres = up.postgres()
    assert postgres is not None
    victims = [psutil.Process(postgres), *up.children()]
    up.send(signal.SIGKILL)
    for victim in victims:
        victim.kill()
    up.wait()

    up.start()
    assert up.answers()
    assert up.stop() == 0, up.text
    assert_nothing_is_left(up)


def test_orphans_are_ended_by_the_next_start(up: Up) -> None:
    up.start()
    server, envoy = up.child("serve"), up.child("envoy")
    # Stopped, they can't follow their parent.
    server.suspend()
    envoy.suspend()
    up.send(signal.SIGKILL)
    up.wait()

    up.start()
    assert "left behind" in up.text
    assert not server.is_running()
    assert not envoy.is_running()
    assert up.stop() == 0
    assert_nothing_is_left(up)


@pytest.mark.parametrize("name", ["serve", "envoy"])
def test_what_dies_is_started_again(up: Up, name: str) -> None:
    up.start()
    up.child(name).kill()
    until(lambda: "Starting it again" in up.text, "the death to be noticed")
    assert "killed by SIGKILL" in up.text
    until(up.answers, "Kaiwa to answer again", seconds=30)
    assert up.stop() == 0
    assert_nothing_is_left(up)


def test_postgres_that_dies_is_started_again(up: Up) -> None:
    up.start()
    postgres = up.postgres()
    assert postgres is not None
    os.kill(postgres, signal.SIGKILL)
    until(lambda: "runs again" in up.text, "PostgreSQL to run again", seconds=30)
    assert up.postgres() not in {None, postgres}
    assert up.stop() == 0
    assert_nothing_is_left(up)


@pytest.mark.parametrize("setting", ["KAIWA_LISTEN", "KAIWA_ENVOY_LISTEN", "KAIWA_ENVOY_ADMIN"])
def test_a_taken_port_is_named_with_its_setting(up: Up, setting: str) -> None:
    host, _, port = up.environment[setting].rpartition(":")
    with socket.create_server((host, int(port))):
        up.start(ready=False)
        assert up.wait() == 1
    assert f"Port {port} is taken by" in up.text
    assert f"process {os.getpid()}" in up.text
    assert setting in up.text
    assert_nothing_is_left(up)


def test_a_database_that_does_not_answer_ends_it_with_the_reason(up: Up) -> None:
    up.environment["KAIWA_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/nothing"
    up.start(ready=False)
    assert up.wait() == 1
    assert "server ended" in up.text
    assert str(up.folder / "logs" / "server.log") in up.text
    assert_nothing_is_left(up)


def test_ctrl_c_while_it_starts(up: Up) -> None:
    up.start(ready=False)
    until(lambda: "PostgreSQL" in up.text, "PostgreSQL to have started")
    assert up.stop() == 0
    assert_nothing_is_left(up)
