"""Audio in a folder and in a store that can't be reached."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from server.adapters.object_store import ObjectAudioStore, open_store
from server.errors import Reason, Unavailable

KEY = "attempts/someone/1.flac"
FLAC = {"content_type": "audio/flac"}

Use = Callable[[ObjectAudioStore], Awaitable[object]]


@pytest.fixture(params=["folder", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectAudioStore:
    return ObjectAudioStore(open_store(None, tmp_path / "objects") if request.param == "folder" else MemoryStore())


async def test_what_is_stored_comes_back(store: ObjectAudioStore) -> None:
    await store.put(KEY, b"fLaC", FLAC)
    assert await store.get(KEY) == b"fLaC"


async def test_a_file_is_replaced(store: ObjectAudioStore) -> None:
    await store.put(KEY, b"first", FLAC)
    await store.put(KEY, b"second", FLAC)
    assert await store.get(KEY) == b"second"


async def test_what_is_not_there(store: ObjectAudioStore) -> None:
    assert await store.get(KEY) is None
    await store.delete(KEY)


async def test_what_is_deleted_is_gone(store: ObjectAudioStore) -> None:
    await store.put(KEY, b"fLaC", FLAC)
    await store.delete(KEY)
    assert await store.get(KEY) is None


async def test_the_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = ObjectAudioStore(open_store(None, tmp_path / "objects"))
    await store.put(KEY, b"fLaC", FLAC)
    assert stat.S_IMODE((tmp_path / "objects").stat().st_mode) == 0o700
    await store.delete(KEY)
    assert list((tmp_path / "objects").iterdir()) == []


@pytest.mark.parametrize(
    "use",
    [lambda store: store.put(KEY, b"fLaC", FLAC), lambda store: store.get(KEY), lambda store: store.delete(KEY)],
    ids=["put", "get", "delete"],
)
async def test_a_store_that_is_away(tmp_path: Path, use: Use) -> None:
    folder = tmp_path / "objects"
    store = ObjectAudioStore(open_store(None, folder))
    shutil.rmtree(folder)
    folder.write_text("a file where the folder was")
    with pytest.raises(Unavailable) as refused:
        await use(store)
    assert refused.value.reason is Reason.STORAGE_UNAVAILABLE
    assert refused.value.retry_after == timedelta(seconds=2)
    assert str(folder) not in refused.value.message


async def read(store: ObjectAudioStore, key: str, offset: int = 0) -> bytes | None:
    content = await store.open(key, offset)
    return None if content is None else b"".join([part async for part in content])


async def test_a_large_file_is_read_in_parts_from_anywhere(store: ObjectAudioStore, tmp_path: Path) -> None:
    large = bytes(range(251)) * 50_000
    with (tmp_path / "large").open("w+b") as file:
        file.write(b"skipped" + large)
        file.seek(7)
        await store.put_file("exports/someone/1.zip", file, "application/zip")
    assert await read(store, "exports/someone/1.zip") == large
    assert await read(store, "exports/someone/1.zip", 70_001) == large[70_001:]
    assert await read(store, "exports/someone/1.zip", len(large) - 1) == large[-1:]
    assert await read(store, "exports/someone/2.zip") is None


async def test_the_keys_of_one_user(store: ObjectAudioStore) -> None:
    for key in (KEY, "attempts/someone/2.flac", "attempts/someone-else/1.flac", "exports/someone/1.zip"):
        await store.put(key, b"fLaC", FLAC)
    keys = [key async for portion in store.list("attempts/someone/") for key in portion]
    assert sorted(keys) == [KEY, "attempts/someone/2.flac"]
    assert [key async for portion in store.list("attempts/nobody/") for key in portion] == []
