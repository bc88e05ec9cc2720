"""The program in the README runs as it stands."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from tests.clients.python.conftest import Recorder
from tests.support.fake_kaiwa import EMAIL, PASSWORD, FakeKaiwa
from tests.support.fake_practice import TEXT

README = Path(__file__).parents[3] / "clients/python/README.md"
PROGRAM = re.search(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL)


async def test_the_program_in_the_readme(fake: FakeKaiwa, recorded: Recorder) -> None:
    assert PROGRAM is not None
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", PROGRAM.group(1), fake.address, EMAIL, PASSWORD, str(recorded()), TEXT),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert out.decode().splitlines() == ["きょう", "今日はあめ", TEXT, f"heard {TEXT}", "score 81.5"]
