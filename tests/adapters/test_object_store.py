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
