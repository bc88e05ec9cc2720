"""ZIP archives, written to a file that has no name: nothing of one is left when this process dies."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import tempfile
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO, TypeVar

from server.accounts.ports import Sealed
from server.errors import Reason, Unavailable
from server.kernel.ownership import Record

T = TypeVar("T")

_BLOCK = 1 << 20
_TEXT_MODE = 0o600 << 16
"""Unpacked files are for their owner only."""


class ZipArchives:
    """Writes archives, each in a thread of its own. Memory does not grow with what is in them; the folder has to have
    room for them.

    Args:
        folder: where they are written; made, for this user only, with the first.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.asynccontextmanager
    async def begin(self, now: datetime) -> AsyncIterator[ZipWriter]:
        """Begins an archive whose files are dated `now`."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self._folder) as file:
            writer = ZipWriter(file, now)
            try:
                yield writer
            finally:
                await writer.close()


class ZipWriter:
    """An archive that is being written, one file after another."""

    def __init__(self, file: BinaryIO, now: datetime) -> None:
        self._file = file
        self._zip = zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED)
        self._date = (now.year, now.month, now.day, now.hour, now.minute, now.second)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="archive")
        self._member: IO[bytes] | None = None
        self._first = True

    async def add_text(self, path: str, text: str) -> None:
        """Adds a file with a text."""
        await self._run(lambda: self._zip.writestr(self._info(path, zipfile.ZIP_DEFLATED), text.encode()))

    async def begin_records(self, path: str) -> None:
        """Begins a file with a JSON array of records."""
        await self._run(lambda: self._begin(path, zipfile.ZIP_DEFLATED))
        self._first = True

    async def add_portion(self, records: Sequence[Record]) -> None:
        """Adds records to the file under way, a line each."""
        await self._run(lambda: self._write_records(records))

    async def end_records(self) -> None:
        """Ends the file under way."""
        await self._run(lambda: self._end(b"[]\n" if self._first else b"\n]\n"))

    async def add_file(self, path: str, content: AsyncIterator[bytes]) -> None:
        """Adds a file as it is: recordings are compressed already."""
        await self._run(lambda: self._begin(path, zipfile.ZIP_STORED))
        async for part in content:
            await self._run(lambda part=part: self._write(part))  # type: ignore[misc]
        await self._run(lambda: self._end(b""))

    async def seal(self) -> Sealed:
        """Ends the archive; its file stands at its beginning."""
        return await self._run(self._seal)

    async def close(self) -> None:
        """Lets go of it, finished or not; waits for what is being written."""
        closing = asyncio.get_running_loop().run_in_executor(self._executor, self._close)
        self._executor.shutdown(wait=False)
        await asyncio.shield(closing)

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, work)
        except OSError as error:
            # The disk is full, say.
            raise Unavailable(
                Reason.STORAGE_UNAVAILABLE, "The archive can't be written for the moment. Nothing was changed."
            ) from error

    def _info(self, path: str, compression: int) -> zipfile.ZipInfo:
        info = zipfile.ZipInfo(path, self._date)
        info.compress_type = compression
        info.external_attr = _TEXT_MODE
        return info

    def _begin(self, path: str, compression: int) -> None:
        self._member = self._zip.open(self._info(path, compression), "w", force_zip64=True)

    def _write(self, part: bytes) -> None:
        if self._member is None:
            raise RuntimeError("no file of the archive is under way")
        self._member.write(part)

    def _write_records(self, records: Sequence[Record]) -> None:
        for record in records:
            text = json.dumps(record, ensure_ascii=False, allow_nan=False)
            self._write(("[\n" if self._first else ",\n").encode() + text.encode())
            self._first = False

    def _end(self, last: bytes) -> None:
        self._write(last)
        if self._member is not None:
            self._member.close()
        self._member = None

    def _close(self) -> None:
        # One that was given up can't be finished any more where the disk is full, and need not be.
        with contextlib.suppress(OSError, ValueError):
            if self._member is not None:
                self._member.close()
        with contextlib.suppress(OSError, ValueError):
            self._zip.close()

    def _seal(self) -> Sealed:
        self._zip.close()
        self._file.flush()
        self._file.seek(0)
        digest = hashlib.sha256()
        while block := self._file.read(_BLOCK):
            digest.update(block)
        size = self._file.tell()
        self._file.seek(0)
        return Sealed(self._file, size, digest.digest())
