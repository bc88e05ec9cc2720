"""Kaiwa's folder: one `up` at a time, and what a killed one left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from server.supervisor.home import MARK, AlreadyRunning, Home, end
from tests.support.processes import until


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


@pytest.fixture
def leftover(home: Home) -> Iterator[subprocess.Popen[str]]:
    """A process that an `up` in the folder might have started, which ignores SIGTERM."""
    script = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    )
    environment = {**os.environ, MARK: str(home.folder)}
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_folders_are_for_this_user_only(home: Home) -> None:
    for folder in (home.folder, home.logs, home.run):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_it_is_taken_once(home: Home) -> None:
    with home.taken():
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}, since") as raised, home.taken():
            pass
        assert f"kill {os.getpid()}" in str(raised.value)
        assert "KAIWA_HOME" in str(raised.value)
    with home.taken():
        pass


def test_a_garbled_lock_is_told_as_well_as_can_be(home: Home) -> None:
    with home.taken():
        (home.run / "up.lock").write_text("?")
        with pytest.raises(AlreadyRunning, match="another process"), home.taken():
            pass


def test_children_do_not_hold_the_lock(home: Home) -> None:
    with home.taken():
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    with home.taken():
        pass
    child.kill()
    child.wait()


def test_leftovers_are_those_of_this_folder(home: Home, leftover: subprocess.Popen[str], tmp_path: Path) -> None:
    assert [process.pid for process in home.leftovers()] == [leftover.pid]
    assert Home(tmp_path / "elsewhere").leftovers() == []


def test_leftovers_that_do_not_listen_are_killed(home: Home, leftover: subprocess.Popen[str]) -> None:
    end([psutil.Process(leftover.pid)], timedelta(seconds=0.2))
    until(lambda: leftover.poll() is not None, "the leftover to end")
