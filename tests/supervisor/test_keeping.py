"""Starting again what has died."""

from __future__ import annotations

import io
import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from server.supervisor.children import Child
from server.supervisor.keeping import Patience, UpError, keep
from server.supervisor.screen import Screen


async def test_a_child_that_dies_again_and_again_is_given_up(tmp_path: Path) -> None:
    script = "print('out of luck'); raise SystemExit(9)"
    child = Child("server", [sys.executable, "-c", script], dict(os.environ), tmp_path / "server.log")
    await child.start()
    output = io.StringIO()
    with pytest.raises(UpError, match=r"Giving up\. server ended \(exit status 9\)") as raised:
        await keep(child, Patience(pauses=(timedelta(0), timedelta(0))), Screen(output))
    assert "out of luck" in str(raised.value)
    assert str(tmp_path / "server.log") in str(raised.value)
    assert output.getvalue().count("Starting it again at once.") == 2
    assert child.log.read_text().count("out of luck") == 3


async def test_one_that_lived_long_enough_starts_afresh(tmp_path: Path) -> None:
    marks = tmp_path / "lives"
    script = f"""
import pathlib, sys
marks = pathlib.Path({str(marks)!r})
marks.write_text((marks.read_text() if marks.exists() else "") + "x")
sys.exit(0 if len(marks.read_text()) < 5 else 4)
"""
    child = Child("server", [sys.executable, "-c", script], dict(os.environ), tmp_path / "server.log")
    await child.start()
    # Every life counts as long, so the one pause is never used up; we end it by taking the program away.
    patience = Patience(pauses=(timedelta(0),), stable=timedelta(seconds=-1))
    output = io.StringIO()

    class Enough(Exception):
        """The test has seen what it wanted."""

    class UntilFive(Screen):
        def fault(self, name: str, text: str) -> None:
            super().fault(name, text)
            if "exit status 4" in text:
                raise Enough

    with pytest.raises(Enough):
        await keep(child, patience, UntilFive(output))
    assert marks.read_text() == "xxxxx"
