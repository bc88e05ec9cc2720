"""Removes archives whose time is over, and files of exports that nobody knows. Not RPCs: chores of the workers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from server.accounts.domain.export import EXPORTS
from server.accounts.ports import Files

_AT_ONCE = 200


class OldExports(Protocol):
    """The rows of archives, of all accounts."""

    async def expired_exports(self, before: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Job and key of archives that are there, though their job expired before a time or is forgotten."""
        ...

    async def mark_export_deleted(self, job_id: str) -> None:
        """Notes that an archive has been deleted."""
        ...

    async def exports_among(self, keys: Collection[str]) -> Collection[str]:
        """Those of the keys that a row names."""
        ...


class RemoveExpiredExports:
    """Deletes archives whose job expired; a job is forgotten only after its archive."""

    def __init__(self, files: Files, exports: OldExports) -> None:
        self._files = files
        self._exports = exports

    async def __call__(self, before: datetime) -> int:
        """Deletes those that expired before a time; returns how many.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE, DATABASE_UNAVAILABLE; what was deleted by then stays so.
        """
        deleted = 0
        while expired := await self._exports.expired_exports(before, _AT_ONCE):
            for job_id, key in expired:
                await self._files.delete(key)
                await self._exports.mark_export_deleted(job_id)
                deleted += 1
        return deleted


class RemoveOrphanedExports:
    """Deletes files that an attempt left that died before anybody knew of them."""

    def __init__(self, files: Files, exports: OldExports) -> None:
        self._files = files
        self._exports = exports

    async def __call__(self, before: datetime) -> int:
        """Deletes those that were stored before a time, well in the past; returns how many.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE, DATABASE_UNAVAILABLE; what was deleted by then stays so.
        """
        deleted = 0
        async for keys in self._files.list_before(EXPORTS, before):
            for key in sorted(set(keys).difference(await self._exports.exports_among(keys))):
                await self._files.delete(key)
                deleted += 1
        return deleted
