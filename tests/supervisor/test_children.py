"""Processes that live and die with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from server.supervisor.children import Child, describe_end
from tests.support.processes import until

SOON = timedelta(seconds=10)


def child(folder: Path, script: str) -> Child:
    return Child("child", [sys.executable, "-c", script], dict(os.environ), folder / "child.log")


async def test_it_says_how_it_ended_and_what_it_said(tmp_path: Path) -> None:
    one = child(tmp_path, "import sys; print('first'); print('last', file=sys.stderr); sys.exit(7)")
    await one.start()
    assert await one.ended() == 7
    assert set(one.last_words().splitlines()) == {"first", "last"}
    assert one.pid is None
    assert one.log.stat().st_mode & 0o777 == 0o600


async def test_last_words_are_of_its_present_life(tmp_path: Path) -> None:
    one = child(tmp_path, "import os; print(os.getpid())")
    await one.start()
    await one.ended()
    first = one.last_words()
    await one.start()
    await one.ended()
    assert one.last_words() != first
    assert len(one.log.read_text().splitlines()) == 2


async def test_it_is_asked_first(tmp_path: Path) -> None:
    script = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(3)); print('up', flush=True);"
        " time.sleep(60)"
    )
    one = child(tmp_path, script)
    await one.start()
    until(lambda: one.last_words() == "up", "the child")
    assert await one.stop(SOON)
    assert await one.ended() == 3


async def test_one_that_does_not_listen_is_killed_with_what_it_started(tmp_path: Path) -> None:
    script = (
        "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        " inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']);"
        " print(inner.pid, flush=True); time.sleep(60)"
    )
    one = child(tmp_path, script)
    await one.start()
    until(lambda: one.last_words().isdecimal(), "the child")
    inner = psutil.Process(int(one.last_words()))
    assert not await one.stop(timedelta(seconds=0.2))
    until(lambda: not inner.is_running() or inner.status() == psutil.STATUS_ZOMBIE, "the child's child to end")


async def test_what_a_dead_child_left_behind_ends_too(tmp_path: Path) -> None:
    script = "import subprocess, sys; print(subprocess.Popen(['sleep', '60']).pid, flush=True)"
    one = child(tmp_path, script)
    await one.start()
    await one.ended()
    inner = int(one.last_words())
    until(lambda: not psutil.pid_exists(inner) or psutil.Process(inner).status() == "zombie", "the orphan to end")


async def test_ctrl_c_in_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    one = child(tmp_path, "import time; time.sleep(60)")
    await one.start()
    assert one.pid is not None
    assert os.getpgid(one.pid) == one.pid != os.getpgid(0)
    await one.kill()


async def test_a_log_that_has_grown_is_put_aside(tmp_path: Path) -> None:
    one = child(tmp_path, "print('new')")
    one.log.write_bytes(b"old\n" * (5 * 2**20))
    await one.start()
    await one.ended()
    assert one.log.read_text() == "new\n"
    assert (tmp_path / "child.log.1").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_it_does_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = """
import asyncio, os, pathlib, sys
from server.supervisor.children import Child
async def main():
    child = Child("child", ["sleep", "60"], dict(os.environ), pathlib.Path(sys.argv[1]))
    await child.start()
    print(child.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", parent, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert psutil.pid_exists(pid)
        process.kill()
    until(lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == "zombie", "the child to end")


def test_ends_in_words() -> None:
    assert describe_end(1) == "exit status 1"
    assert describe_end(-signal.SIGKILL) == "killed by SIGKILL"
