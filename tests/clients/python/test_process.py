"""The command as a process of its own: interruption, a reader that goes away, encodings."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from tests.clients.python.conftest import Recorder
from tests.support.fake_kaiwa import FakeKaiwa
from tests.support.fake_practice import TEXT


async def _start(
    fake: FakeKaiwa, folder: Path, *arguments: str, output: int = asyncio.subprocess.PIPE, **variables: str
) -> asyncio.subprocess.Process:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "KAIWA_ADDRESS": fake.address,
        "KAIWA_TOKEN": fake.state.new_session().access_token,
        **variables,
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "kaiwa_client", *arguments),
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=output,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_an_interruption_cancels_the_stream(fake: FakeKaiwa, recorded: Recorder, tmp_path: Path) -> None:
    file = str(recorded(seconds=25))
    process = await _start(fake, tmp_path, "practice", "--text", TEXT, file, "--realtime", "--json")
    assert process.stdout is not None
    while json.loads(await process.stdout.readline())["type"] != "partial":
        pass
    process.send_signal(signal.SIGINT)
    out, err = await process.communicate()
    assert process.returncode == 130
    assert err.decode() == "kaiwa: Interrupted.\n"
    assert b"summary" not in out
    assert fake.speech.attempts == []


async def test_a_reader_that_goes_away_is_no_disaster(fake: FakeKaiwa, tmp_path: Path) -> None:
    process = await _start(fake, tmp_path, "sentences", "--limit", "250", "--json", PYTHONUNBUFFERED="1")
    assert process.stdout is not None
    # Nobody reads: closes our end of the pipe before anything is written.
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined]
    _, err = await process.communicate()
    assert process.returncode == 1
    assert b"Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize("arguments", [["sentences"], ["sentences", "--json"], ["--help"]])
async def test_an_output_that_is_full(fake: FakeKaiwa, tmp_path: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:  # noqa: ASYNC230
        process = await _start(fake, tmp_path, *arguments, output=full.fileno())
    _, err = await process.communicate()
    assert err.decode() == "kaiwa: The output can't be written: No space left on device.\n"
    assert process.returncode == 1


async def test_prints_japanese_whatever_the_locale(fake: FakeKaiwa, tmp_path: Path) -> None:
    process = await _start(fake, tmp_path, "sentences", "--limit", "1", LC_ALL="C", PYTHONIOENCODING="ascii")
    out, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")
    assert TEXT in out.decode("utf-8")
