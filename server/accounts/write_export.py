"""Writes the archive of an export. Not an RPC: a job does it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from server.accounts.domain.export import CONTENT_TYPE, FORMAT, VERSION, Export, archive_key, readme, rfc3339
from server.accounts.ports import Archives, ArchiveWriter, Files, UnitOfWork
from server.kernel.clock import Clock
from server.kernel.identity import UserId
from server.kernel.ownership import Holdings

Report = Callable[[int, int | None, str], None]
"""Told how many records and files are done, how many there are, and the stage."""

U = TypeVar("U", bound=UnitOfWork)


class WriteExport(Generic[U]):
    """Gathers what each service holds of a user.

    Args:
        snapshot: opens a transaction that sees the database as it was at its first look.
        holdings: of each service.
        files: where recordings lie, and archives.
        archives: where they are written.
        clock: tells the time.
    """

    def __init__(
        self,
        snapshot: Callable[[], U],
        holdings: Sequence[Holdings[U]],
        files: Files,
        archives: Archives,
        clock: Clock,
    ) -> None:
        self._snapshot = snapshot
        self._holdings = tuple(holdings)
        self._files = files
        self._archives = archives
        self._clock = clock

    async def __call__(self, user_id: UserId, job_id: str, attempt: int, report: Report, *, omit_audio: bool) -> Export:
        """The archive, stored but not yet known to anybody.

        Args:
            attempt: the number of the job's attempt; each has a file of its own.
            report: told how far it is.
            omit_audio: whether recordings are left out.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE, DATABASE_UNAVAILABLE.
        """
        now = self._clock.now()
        async with self._archives.begin(now) as archive:
            documents = [document for holdings in self._holdings for document in holdings.documents]
            folders = [folder for holdings in self._holdings for folder in holdings.folders]
            await archive.add_text("README.md", readme(now, documents, folders, omit_audio=omit_audio))
            counts = await self._add_records(archive, user_id, report)
            manifest: dict[str, object] = {
                "format": FORMAT,
                "version": VERSION,
                "created_at": rfc3339(now),
                "user_id": user_id,
                "recordings": not omit_audio,
                "records": counts,
            }
            await archive.add_text("manifest.json", json.dumps(manifest, indent=2) + "\n")
            if not omit_audio:
                await self._add_files(archive, user_id, sum(counts.values()), report)
            done = sum(counts.values())
            report(done, None, "export.storing")
            sealed = await archive.seal()
            key = archive_key(user_id, job_id, attempt)
            await self._files.put_file(key, sealed.file, CONTENT_TYPE)
        return Export(job_id, user_id, key, sealed.size_bytes, sealed.sha256, now)

    async def _add_records(self, archive: ArchiveWriter, user_id: UserId, report: Report) -> dict[str, int]:
        counts: dict[str, int] = {}
        async with self._snapshot() as uow:
            total = sum([await holdings.count(uow, user_id) for holdings in self._holdings])
            report(0, total, "export.reading")
            for holdings in self._holdings:
                for document in holdings.documents:
                    path, count = f"{document.path}.json", 0
                    await archive.begin_records(path)
                    async for portion in holdings.records(uow, user_id, document):
                        await archive.add_portion(portion)
                        count += len(portion)
                        report(sum(counts.values()) + count, total, "export.reading")
                    await archive.end_records()
                    counts[path] = count
        return counts

    async def _add_files(self, archive: ArchiveWriter, user_id: UserId, done: int, report: Report) -> None:
        wanted = [
            (key, f"{folder.path}{key.removeprefix(folder.of(user_id))}")
            for holdings in self._holdings
            for folder in holdings.folders
            if folder.path is not None
            async for keys in self._files.list(folder.of(user_id))
            for key in sorted(keys)
        ]
        total = done + len(wanted)
        for key, path in wanted:
            report(done, total, "export.packing")
            # One that was deleted a moment ago is not held any more.
            if (content := await self._files.open(key)) is not None:
                await archive.add_file(path, content)
            done += 1
        report(done, total, "export.packing")
