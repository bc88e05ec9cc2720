"""Files in an object store: a folder, or anything that `obstore` reaches by URL (S3, GCS, Azure)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from server.errors import Reason, Unavailable

PORTION = 500
"""Keys that are listed at once."""
_PART = 1 << 16
"""Bytes of a file that are read at once, if the store gives as many."""


def open_store(url: str | None, folder: Path) -> ObjectStore:
    """The store at a URL such as `s3://bucket/prefix`, or the folder when there is none.

    Credentials come from the environment, as the store's own tools expect them (`AWS_ACCESS_KEY_ID`, ...).
    """
    if url is not None:
        return from_url(url)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return LocalStore(folder, automatic_cleanup=True)


class ObjectAudioStore:
    """Keeps audio files by key. A file is there whole or not at all."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, data: bytes, attributes: Mapping[str, str]) -> None:
        """Stores a file.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE.
        """
        # A local folder keeps no attributes; the metadata row has them too.
        named = None if isinstance(self._store, LocalStore) else {"Content-Type": attributes["content_type"]}
        try:
            await obstore.put_async(self._store, key, data, attributes=named)
        except (BaseError, OSError) as error:
            raise _away() from error

    async def get(self, key: str) -> bytes | None:
        """A file; None when there is none.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE.
        """
        try:
            result = await obstore.get_async(self._store, key)
            return bytes(await result.bytes_async())
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise _away() from error

    async def put_file(self, key: str, file: BinaryIO, content_type: str) -> None:
        """Stores a file, read from its present position, whole or not at all; never all of it in memory.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE.
        """
        named = None if isinstance(self._store, LocalStore) else {"Content-Type": content_type}
        try:
            await obstore.put_async(self._store, key, file, attributes=named)
        except (BaseError, OSError) as error:
            raise _away() from error

    async def open(self, key: str, offset: int = 0) -> AsyncIterator[bytes] | None:
        """A file from a position before its end on; None when there is none.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE, while it is read, too.
        """
        options: obstore.GetOptions = {"range": {"offset": offset}} if offset else {}
        try:
            result = await obstore.get_async(self._store, key, options=options)
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise _away() from error
        return _parts(result)

    async def delete(self, key: str) -> None:
        """Removes a file; nothing happens when there is none.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE.
        """
        try:
            await obstore.delete_async(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise _away() from error

    async def list(self, prefix: str) -> AsyncIterator[Sequence[str]]:
        """The keys under a prefix, in portions of up to `PORTION`.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE.
        """
        try:
            async for portion in obstore.list(self._store, prefix=prefix, chunk_size=PORTION):
                yield [file["path"] for file in portion]
        except (BaseError, OSError) as error:
            raise _away() from error

    async def list_before(self, prefix: str, before: datetime) -> AsyncIterator[Sequence[str]]:
        """The keys under a prefix that were stored before a time, in portions of up to `PORTION`.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE.
        """
        try:
            async for portion in obstore.list(self._store, prefix=prefix, chunk_size=PORTION):
                yield [file["path"] for file in portion if file["last_modified"] < before]
        except (BaseError, OSError) as error:
            raise _away() from error


async def _parts(result: obstore.GetResult) -> AsyncIterator[bytes]:
    try:
        async for part in result.stream(min_chunk_size=_PART):
            yield bytes(part)
    except (BaseError, OSError) as error:
        raise _away() from error


def _away() -> Unavailable:
    return Unavailable(
        Reason.STORAGE_UNAVAILABLE,
        "The audio store can't be reached for the moment. Nothing was changed.",
        retry_after=timedelta(seconds=2),
    )
