"""Removes files of content that no row names. Not an RPC: a chore of the workers.

One is left where a server died between storing a part of an upload and counting it, when an upload is begun anew, when
an import is done or expired, and when a sentence with recordings goes with its owner.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Protocol

from server.content.import_uploads import PREFIX
from server.content.run_import import RECORDINGS


class FileStore(Protocol):
    """The files."""

    def list_before(self, prefix: str, before: datetime) -> AsyncIterator[Sequence[str]]:
        """The keys under a prefix that were stored before a time, in portions."""
        ...

    async def delete(self, key: str) -> None:
        """Removes a file; nothing happens when there is none."""
        ...


class NamedFiles(Protocol):
    """The rows that name files."""

    async def named_among(self, keys: Collection[str]) -> Collection[str]:
        """Those of the keys that a row names."""
        ...

    async def forget_recordings_of_nothing(self, before: datetime) -> int:
        """Deletes rows of recordings from before a time whose sentence is gone; returns how many."""
        ...


class RemoveOrphanedFiles:
    """Removes them. A time well in the past leaves alone what is being stored right now."""

    def __init__(self, store: FileStore, files: NamedFiles) -> None:
        self._store = store
        self._files = files

    async def __call__(self, before: datetime) -> int:
        """Removes those stored before a time; returns how many.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE, DATABASE_UNAVAILABLE; what was removed by then stays so.
        """
        await self._files.forget_recordings_of_nothing(before)
        removed = 0
        for prefix in (PREFIX, RECORDINGS):
            async for keys in self._store.list_before(prefix, before):
                for key in sorted(set(keys).difference(await self._files.named_among(keys))):
                    await self._store.delete(key)
                    removed += 1
        return removed
