"""DownloadMyData: the archive of a finished export, from any position on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from server.accounts.domain.export import Export, FoundExport
from server.accounts.ports import Files, UnitOfWorkFactory
from server.errors import FailedPrecondition, NotFound, OutOfRange, Reason, Unavailable
from server.kernel.clock import Clock
from server.kernel.identity import Caller

CHUNK = 65_536
"""The most bytes of a part."""


@dataclass(frozen=True, slots=True)
class Download:
    """What is about to be sent.

    Attributes:
        archive: the whole of it.
        expires_at: when it is deleted.
        chunks: its bytes from the position on, 1 to `CHUNK` at once; raises Unavailable (STORAGE_UNAVAILABLE,
            SHUTTING_DOWN).
    """

    archive: Export
    expires_at: datetime
    chunks: AsyncGenerator[bytes, None]


class DownloadMyData:
    """Finds archives and reads them.

    Args:
        unit_of_work: opens a transaction.
        files: where archives lie.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, files: Files, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._files = files
        self._clock = clock
        self._stopping = asyncio.Event()

    def end_all(self) -> None:
        """Ends every download, because the server stops."""
        self._stopping.set()

    async def __call__(self, caller: Caller, job_id: str, offset: int) -> Download:
        """The archive from `offset` on.

        Raises:
            NotFound: JOB_NOT_FOUND, also when it is somebody else's or no export; EXPORT_EXPIRED.
            FailedPrecondition: EXPORT_NOT_READY.
            OutOfRange: EXPORT_OFFSET_OUT_OF_RANGE.
            Unavailable: STORAGE_UNAVAILABLE.
        """
        async with self._unit_of_work() as uow:
            found = await uow.exports.find(caller.user_id, job_id)
        if found is None:
            raise NotFound(Reason.JOB_NOT_FOUND, "You have no such job.", metadata={"job_id": job_id})
        archive, expires_at = self._ready(found, job_id)
        if offset > archive.size_bytes:
            raise OutOfRange(
                Reason.EXPORT_OFFSET_OUT_OF_RANGE,
                f"The archive has {archive.size_bytes} bytes, so nothing begins at {offset}.",
                metadata={"offset": str(offset), "size_bytes": str(archive.size_bytes)},
            )
        if offset == archive.size_bytes:
            return Download(archive, expires_at, _nothing())
        content = await self._files.open(archive.key, offset)
        if content is None:
            raise _expired(job_id)
        return Download(archive, expires_at, self._cut(content))

    def _ready(self, found: FoundExport, job_id: str) -> tuple[Export, datetime]:
        if found.expired(self._clock.now()):
            raise _expired(job_id)
        if found.archive is None or found.expires_at is None:
            raise FailedPrecondition(
                Reason.EXPORT_NOT_READY,
                "The export has not succeeded. Watch its job.",
                metadata={"job_id": job_id, "state": f"JOB_STATE_{(found.state or '').upper()}"},
            )
        return found.archive, found.expires_at

    async def _cut(self, content: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
        async for part in content:
            for start in range(0, len(part), CHUNK):
                if self._stopping.is_set():
                    raise Unavailable(
                        Reason.SHUTTING_DOWN, "The server is shutting down. Go on from the offset that you have."
                    )
                yield part[start : start + CHUNK]


async def _nothing() -> AsyncGenerator[bytes, None]:
    for part in list[bytes]():
        yield part


def _expired(job_id: str) -> NotFound:
    return NotFound(
        Reason.EXPORT_EXPIRED,
        "The archive has been deleted, as its time was over. Ask for a new export.",
        metadata={"job_id": job_id},
    )
