"""Recordings that no row names."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from obstore.store import MemoryStore
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from server.adapters.object_store import PORTION, ObjectAudioStore, open_store
from server.adapters.postgres.engine import create_engine
from server.adapters.postgres.maintenance import PostgresMaintenance
from server.adapters.postgres.tables import AudioFileRow
from server.errors import Reason, Unavailable
from server.speech.remove_orphaned_audio import RemoveOrphanedAudio
from tests.support.processes import free_port

FLAC = {"content_type": "audio/flac"}
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


def soon() -> datetime:
    """A time after all that a test stores; the store's clock is the machine's."""
    return datetime.now(UTC) + timedelta(hours=1)


async def put(store: ObjectAudioStore, *keys: str) -> None:
    for key in keys:
        await store.put(key, b"fLaC", FLAC)


async def name(engine: AsyncEngine, key: str) -> None:
    async with engine.begin() as connection:
        await connection.execute(
            insert(AudioFileRow).values(
                id=str(uuid.uuid4()),
                object_key=key,
                size_bytes=4,
                duration_seconds=1.0,
                content_type="audio/flac",
                sample_rate_hertz=16_000,
                created_at=LONG_AGO,
            )
        )


@pytest.mark.parametrize("kind", ["folder", "memory"])
async def test_only_those_that_no_row_names_go(engine: AsyncEngine, tmp_path: Path, kind: str) -> None:
    store = ObjectAudioStore(open_store(None, tmp_path / "objects") if kind == "folder" else MemoryStore())
    named, orphan, elsewhere = "attempts/mika/1.flac", "attempts/mika/2.flac", "sentences/1.ogg"
    await put(store, named, orphan, elsewhere)
    await name(engine, named)
    remove = RemoveOrphanedAudio(store, PostgresMaintenance(engine))
    assert await remove(LONG_AGO) == 0
    assert await remove(soon()) == 1
    assert [await store.get(key) is not None for key in (named, orphan, elsewhere)] == [True, False, True]
    assert await remove(soon()) == 0


async def test_more_than_one_portion(engine: AsyncEngine) -> None:
    store = ObjectAudioStore(MemoryStore())
    await put(store, *(f"attempts/mika/{number}.flac" for number in range(PORTION + 1)))
    assert await RemoveOrphanedAudio(store, PostgresMaintenance(engine))(soon()) == PORTION + 1


async def test_nothing_goes_while_the_database_is_away() -> None:
    store = ObjectAudioStore(MemoryStore())
    await put(store, "attempts/mika/1.flac")
    engine = create_engine(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing")
    with pytest.raises(Unavailable) as raised:
        await RemoveOrphanedAudio(store, PostgresMaintenance(engine))(soon())
    assert raised.value.reason is Reason.DATABASE_UNAVAILABLE
    assert await store.get("attempts/mika/1.flac") is not None
    await engine.dispose()
