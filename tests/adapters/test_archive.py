"""ZIP archives of exports."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.adapters.archive import ZipArchives
from tests.support.kernel import NOON


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_what_is_put_in_comes_out(tmp_path: Path) -> None:
    async with ZipArchives(tmp_path / "spool").begin(NOON) as archive:
        await archive.add_text("README.md", "何も\n")
        await archive.begin_records("learning/cards.json")
        await archive.add_portion([{"reading": "あめ", "n": 1.5}])
        await archive.add_portion([])
        await archive.add_portion([{"reading": None, "n": 2}])
        await archive.end_records()
        await archive.begin_records("learning/reviews.json")
        await archive.end_records()
        await archive.add_file("speech/recordings/a.flac", pieces(b"fLaC", b"more"))
        sealed = await archive.seal()
        content = sealed.file.read()
        # Nothing that a killed worker would leave.
        assert os.listdir(tmp_path / "spool") == []
    assert sealed.size_bytes == len(content)
    assert sealed.sha256 == hashlib.sha256(content).digest()
    (tmp_path / "a.zip").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.zip") as written:
        assert written.testzip() is None
        assert written.read("README.md").decode() == "何も\n"
        assert json.loads(written.read("learning/cards.json")) == [
            {"reading": "あめ", "n": 1.5},
            {"reading": None, "n": 2},
        ]
        assert json.loads(written.read("learning/reviews.json")) == []
        assert written.read("speech/recordings/a.flac") == b"fLaCmore"
        assert {info.date_time for info in written.infolist()} == {(2026, 11, 23, 12, 0, 0)}
        assert {info.external_attr >> 16 for info in written.infolist()} == {0o600}


@pytest.mark.parametrize("under_way", [False, True])
async def test_one_that_is_given_up_leaves_nothing(tmp_path: Path, under_way: bool) -> None:
    async with ZipArchives(tmp_path / "spool").begin(NOON) as archive:
        if under_way:
            await archive.begin_records("a.json")
            await archive.add_portion([{"a": 1}])
    assert os.listdir(tmp_path / "spool") == []
