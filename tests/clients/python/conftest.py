"""A fake server, a clock that only moves when somebody sleeps, and the command line in this process."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from rich.console import Console

from kaiwa_client.cli.entry import run
from kaiwa_client.cli.world import World
from kaiwa_client.retry import RetryPolicy
from tests.support.fake_kaiwa import FakeKaiwa, fake_kaiwa
from tests.support.kernel import NOON


class SleepingClock:
    """Moves by what is slept, and never waits."""

    def __init__(self) -> None:
        self.elapsed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return 1000.0 + self.elapsed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.elapsed += seconds
        await asyncio.sleep(0)


RETRY = RetryPolicy(jitter=lambda: 1.0)


@dataclass
class CommandLine:
    """`kaiwa` in this process.

    Attributes:
        answers: what is typed at questions, in order.
        terminal: whether the output is a terminal.
    """

    folder: Path
    environment: dict[str, str]
    clock: SleepingClock
    answers: list[str] = field(default_factory=list)
    terminal: bool = False
    width: int = 80
    out: str = ""
    err: str = ""

    async def __call__(self, *arguments: str) -> int:
        """Runs a command; what it printed is in `out` and `err`."""
        output, errors = io.StringIO(), io.StringIO()
        answer = self._answer if self.answers else None
        world = World(
            output=self._console(output),
            errors=self._console(errors),
            environment=self.environment,
            config_folder=self.folder / "config",
            working_folder=self.folder,
            clock=self.clock,
            ask=answer,
            ask_password=answer,
            retry=RETRY,
        )
        try:
            return await run(world, arguments)
        finally:
            self.out, self.err = output.getvalue(), errors.getvalue()

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The lines of the output, each of which is a JSON object."""
        return [json.loads(line) for line in self.out.splitlines()]

    def _console(self, file: io.StringIO) -> Console:
        return Console(
            file=file,
            width=self.width,
            force_terminal=self.terminal or None,
            highlight=False,
            legacy_windows=False,
            _environ=self.environment,
        )

    def _answer(self, question: str) -> str:
        return self.answers.pop(0)


@pytest.fixture
async def fake() -> AsyncIterator[FakeKaiwa]:
    """A server that answers from a script."""
    async with fake_kaiwa() as server:
        yield server


@pytest.fixture
def clock() -> SleepingClock:
    """Moves only when somebody sleeps."""
    return SleepingClock()


@pytest.fixture
def kaiwa(tmp_path: Path, clock: SleepingClock, fake: FakeKaiwa) -> CommandLine:
    """The command line, pointed at the fake server, with nobody signed in."""
    return CommandLine(tmp_path, {"KAIWA_ADDRESS": fake.address, "TERM": "xterm-256color", "TZ": "UTC"}, clock)


@pytest.fixture
def learner(kaiwa: CommandLine) -> CommandLine:
    """The same beside the `.kaiwa` of a server that was started by `make run`."""
    folder = kaiwa.folder / ".kaiwa"
    folder.mkdir()
    learner = {"email": "mika@example.com", "password": "correct horse"}
    (folder / "demo.json").write_text(json.dumps({"address": "127.0.0.1:50051", "learner": learner}), "utf-8")
    return kaiwa


Recorder = Callable[..., Path]


@pytest.fixture
def recorded(tmp_path: Path) -> Recorder:
    """Makes recordings of a tone: seconds, rate, channels, name, and whether it is silent."""

    def make(
        seconds: float = 1.5, rate: int = 16000, channels: int = 1, name: str = "rain.wav", silent: bool = False
    ) -> Path:
        time = np.arange(round(seconds * rate)) / rate
        tone = np.zeros_like(time) if silent else 0.25 * np.sin(2 * np.pi * 220 * time)
        path = tmp_path / name
        soundfile.write(path, np.stack([tone] * channels, axis=1), rate)
        return path

    return make
