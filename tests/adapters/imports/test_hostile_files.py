"""Hostile files are refused with a reason, in a process that can take little with it."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import os
import sqlite3
import stat
import struct
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
import zstandard

from server.adapters.imports.reader import ProcessImportReader
from server.content.domain.entries import Entry, LeftOut
from server.content.domain.imports import LIMITS, FileRole, ImportKind, ImportLimits, ImportOptions, ProblemKind
from server.content.domain.sentence import Visibility
from server.content.ports.imports import ImportRefused
from tests.support.imports import zipped

SMALL = replace(LIMITS, max_unpacked_bytes=8 << 20, max_field_bytes=1 << 16)
MEMORY = 500 << 20
OPTIONS = ImportOptions(Visibility.PRIVATE)


async def read(
    tmp_path: Path, kind: ImportKind, files: Mapping[FileRole, bytes], limits: ImportLimits = SMALL
) -> list[Entry | LeftOut]:
    paths = {}
    for role, data in files.items():
        paths[role] = tmp_path / role.value
        paths[role].write_bytes(data)
    async with ProcessImportReader().read(kind, paths, OPTIONS, limits) as (_, entries):
        return [entry async for entry in entries]


async def refusal(tmp_path: Path, data: bytes, *, kind: ImportKind = ImportKind.TABLE) -> ProblemKind:
    role = {
        ImportKind.TABLE: FileRole.TABLE,
        ImportKind.ANKI_PACKAGE: FileRole.ANKI_PACKAGE,
        ImportKind.TATOEBA: FileRole.TATOEBA_SENTENCES,
        ImportKind.TATOEBA_PAIRS: FileRole.TATOEBA_PAIRS,
    }[kind]
    with pytest.raises(ImportRefused) as refused:
        await read(tmp_path, kind, {role: data})
    assert refused.value.problem.fatal
    assert refused.value.problem.description.endswith(".")
    peak = max((child.memory_info().rss for child in psutil.Process().children()), default=0)
    assert peak < MEMORY
    return refused.value.problem.kind


def collection(rows: int = 1, field: str = "水", *, note: str = "g") -> bytes:
    """A small collection of schema 11."""
    base = sqlite3.connect(":memory:")
    base.executescript(
        "CREATE TABLE col (id, crt, ver, conf, models, decks);"
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, guid, mid, mod, tags, flds);"
        "CREATE TABLE cards (id INTEGER PRIMARY KEY, nid, did, ord, type, queue, due, ivl, factor, reps, lapses, left,"
        " odue, odid, data);"
        "CREATE TABLE revlog (id INTEGER PRIMARY KEY, cid, ease, ivl, lastIvl, factor, time, type);"
    )
    models = {
        "1": {
            "name": "T",
            "flds": [{"name": "Front", "ord": 0}],
            "tmpls": [{"name": "C", "ord": 0, "qfmt": "{{Front}}", "afmt": "x"}],
        }
    }
    base.execute(
        "INSERT INTO col VALUES (1, 1700000000, 11, '{}', ?, ?)",
        (json.dumps(models), json.dumps({"1": {"name": "Default"}})),
    )
    for n in range(rows):
        base.execute("INSERT INTO notes VALUES (?, ?, 1, 0, '', ?)", (n + 1, f"{note}{n}", field))
        base.execute(
            "INSERT INTO cards VALUES (?, ?, 1, 0, 2, 2, 99999999, -5, 'x', 0, 0, 0, 0, 0, '[')", (n + 1, n + 1)
        )
    base.commit()
    return base.serialize()


def package(members: Mapping[str, bytes] | None = None, **more: bytes) -> bytes:
    return zipped({"collection.anki2": collection(), "media": b"{}", **(members or {}), **more})


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress, zstandard.compress, lambda data: zipped({"a": data})])
async def test_bombs_are_refused(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    bomb = pack(b"\0" * (64 << 20))
    assert len(bomb) < 1 << 20

    kind = await refusal(tmp_path, bomb, kind=ImportKind.TATOEBA)

    assert kind in {ProblemKind.UNPACKS_TOO_LARGE, ProblemKind.FIELD_TOO_LONG, ProblemKind.WRONG_FORMAT}


async def test_a_zstd_bomb_in_a_package_is_refused(tmp_path: Path) -> None:
    bomb = zstandard.compress(b"SQLite format 3\0" + b"\0" * (256 << 20))
    data = zipped({"meta": b"\x08\x03", "collection.anki21b": bomb})

    assert await refusal(tmp_path, data, kind=ImportKind.ANKI_PACKAGE) is ProblemKind.UNPACKS_TOO_LARGE


async def test_a_zstd_window_of_gigabytes_is_refused(tmp_path: Path) -> None:
    # A frame that asks for a window of 2 GiB.
    frame = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([21 << 3]) + b"\x01\x00\x00"
    data = zipped({"meta": b"\x08\x03", "collection.anki21b": frame})

    assert await refusal(tmp_path, data, kind=ImportKind.ANKI_PACKAGE) in {
        ProblemKind.DAMAGED,
        ProblemKind.BAD_DATABASE,
    }


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../x", "..\\x", "C:\\x"])
async def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    assert await refusal(tmp_path, package({name: b"x"}), kind=ImportKind.ANKI_PACKAGE) is ProblemKind.UNSAFE_NAME
    assert os.listdir(tmp_path) == ["anki_package"]


async def test_links_are_refused(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("a.csv")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert await refusal(tmp_path, file.getvalue()) is ProblemKind.UNSAFE_NAME

    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        member = tarfile.TarInfo("a.csv")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(member)
    assert await refusal(tmp_path, file.getvalue()) is ProblemKind.UNSAFE_NAME


async def test_sizes_that_lie_are_found_out(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.csv": b"Japanese\n" + b"a" * 100_000}))
    at = data.rindex(b"PK\x01\x02") + 24
    struct.pack_into("<I", data, at, 20)

    assert await refusal(tmp_path, bytes(data)) in {ProblemKind.DAMAGED, ProblemKind.TRUNCATED}


async def test_encrypted_archives_are_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.csv": b"Japanese\n"}))
    for signature, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = data.index(signature) + offset
        struct.pack_into("<H", data, at, struct.unpack_from("<H", data, at)[0] | 1)

    assert await refusal(tmp_path, bytes(data)) is ProblemKind.ENCRYPTED


@pytest.mark.parametrize("pack", [bz2.compress, gzip.compress])
async def test_archives_that_end_too_early_are_refused(tmp_path: Path, pack: object) -> None:
    assert callable(pack)
    rows = "".join(f"{n}\tjpn\tこれは文{n * 7919}です。\n" for n in range(1, 5000)).encode()
    whole = pack(rows)

    kind = await refusal(tmp_path, whole[: len(whole) // 2], kind=ImportKind.TATOEBA)

    assert kind in {ProblemKind.TRUNCATED, ProblemKind.DAMAGED}


@pytest.mark.parametrize(
    "database",
    [b"", b"no database at all", b"SQLite format 3\0", b"SQLite format 3\0" + bytes(range(256)) * 64],
)
async def test_databases_that_are_none_are_refused(tmp_path: Path, database: bytes) -> None:
    data = package({"collection.anki2": database})

    assert await refusal(tmp_path, data, kind=ImportKind.ANKI_PACKAGE) is ProblemKind.BAD_DATABASE


@pytest.mark.parametrize("position", [200, 1100, 2100, 4200, 5000])
async def test_a_damaged_database_never_harms(tmp_path: Path, position: int) -> None:
    whole = bytearray(collection(200))
    whole[position : position + 64] = b"\xff" * 64
    data = package({"collection.anki2": bytes(whole)})
    kinds = {ProblemKind.BAD_DATABASE, ProblemKind.DAMAGED}
    try:
        entries = await read(tmp_path, ImportKind.ANKI_PACKAGE, {FileRole.ANKI_PACKAGE: data})
    except ImportRefused as refused:
        entries, kinds = [], kinds & {refused.problem.kind}
    assert entries or kinds


async def test_a_package_of_a_form_to_come_is_refused(tmp_path: Path) -> None:
    data = package(meta=b"\x08\x09")

    assert await refusal(tmp_path, data, kind=ImportKind.ANKI_PACKAGE) is ProblemKind.UNKNOWN_VERSION


async def test_the_placeholder_in_new_packages_is_never_read(tmp_path: Path) -> None:
    data = zipped({"meta": b"\x08\x03", "collection.anki2": collection()})

    assert await refusal(tmp_path, data, kind=ImportKind.ANKI_PACKAGE) is ProblemKind.WRONG_FORMAT


async def test_a_huge_field_refuses_its_entry_alone(tmp_path: Path) -> None:
    rows = "1\tjpn\t水。\n2\tjpn\t".encode() + "水".encode() * 100_000 + "\n3\tjpn\t橋。\n".encode()

    entries = await read(tmp_path, ImportKind.TATOEBA, {FileRole.TATOEBA_SENTENCES: rows})

    kinds = [each.problem.kind if isinstance(each, LeftOut) and each.problem else None for each in entries]
    assert kinds == [None, ProblemKind.FIELD_TOO_LONG, None]


async def test_scripts_and_markup_do_not_get_through(tmp_path: Path) -> None:
    field = '<div onclick="x()">水<script>alert(1)</script>を&lt;b&gt;飲む<style>a{}</style><!-- x --></div>\u0007'
    data = package({"collection.anki2": collection(1, field)})

    (entry,) = await read(tmp_path, ImportKind.ANKI_PACKAGE, {FileRole.ANKI_PACKAGE: data})

    assert isinstance(entry, Entry)
    assert entry.japanese == "水を<b>飲む"


@pytest.mark.parametrize("data", [b"%PDF-1.7\0\0\0", b"\x89PNG\r\n\x1a\n\0\0\0", b"\0" * 100, b""])
async def test_the_wrong_kind_of_file_is_refused(tmp_path: Path, data: bytes) -> None:
    assert await refusal(tmp_path, data, kind=ImportKind.ANKI_PACKAGE) is ProblemKind.WRONG_FORMAT
    assert await refusal(tmp_path, data) in {ProblemKind.WRONG_FORMAT, ProblemKind.WRONG_ENCODING}


async def test_another_encoding_than_was_chosen_or_known_is_refused(tmp_path: Path) -> None:
    rows = "1\tjpn\t水を飲む。\n".encode("shift_jis")

    assert await refusal(tmp_path, rows, kind=ImportKind.TATOEBA) is ProblemKind.WRONG_ENCODING
    assert await refusal(tmp_path, b"a,b\n" + b"\x81 \x81 " * 9) is ProblemKind.WRONG_ENCODING


async def test_too_many_entries_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"{n}\tjpn\t水{n}\n" for n in range(1, 30)).encode()
    limits = replace(SMALL, max_entry_count=20)
    with pytest.raises(ImportRefused) as refused:
        await read(tmp_path, ImportKind.TATOEBA, {FileRole.TATOEBA_SENTENCES: rows}, limits)

    assert refused.value.problem.kind is ProblemKind.TOO_MANY_ENTRIES


async def test_a_nest_of_archives_is_refused(tmp_path: Path) -> None:
    data = "Japanese\n水\n".encode()
    for _ in range(5):
        data = gzip.compress(data)

    assert await refusal(tmp_path, data) is ProblemKind.WRONG_FORMAT
