"""Saves the archive of an export to a file, going on where an earlier try was cut."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

from kaiwa_client import models
from kaiwa_client.account import OwnAccount
from kaiwa_client.errors import CallFailed, DownloadDamaged

_BLOCK = 1 << 20

Progress = Callable[[int, int], None]
"""Told how many bytes have arrived, and how many there are."""


async def save_archive(account: OwnAccount, archive: models.Archive, path: Path, progress: Progress) -> None:
    """Downloads an archive to a file, which only this user can read. It appears when it is whole.

    What has arrived is in `path` with `.part` at its end; another call goes on behind it.

    Args:
        account: whose export it is.
        archive: what there is to download.
        path: the file; one that is there is replaced.
        progress: told how far it is.

    Raises:
        DownloadDamaged: what arrived has another digest, twice.
        KaiwaError: the download failed.
        OSError: the file can't be written.
    """
    part = path.with_name(f"{path.name}.part")
    if not await _fetch(account, archive, part, progress):
        # The beginning was of another archive, or was damaged.
        part.unlink()
        if not await _fetch(account, archive, part, progress):
            part.unlink()
            raise DownloadDamaged("What arrived is not the archive that the server has. Try again.")
    os.replace(part, path)


async def _fetch(account: OwnAccount, archive: models.Archive, part: Path, progress: Progress) -> bool:
    """Appends what is missing; whether the whole is the archive."""
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        os.chmod(part, 0o600)
        digest = await asyncio.to_thread(_digest, file)
        reached = file.tell()
        progress(reached, archive.size_bytes)
        try:
            async with aclosing(account.download(archive.job_id, reached)) as parts:
                async for chunk in parts:
                    if isinstance(chunk, bytes):
                        file.write(chunk)
                        digest.update(chunk)
                        reached += len(chunk)
                        progress(reached, archive.size_bytes)
        except CallFailed as error:
            if error.reason != "EXPORT_OFFSET_OUT_OF_RANGE":
                raise
    return reached == archive.size_bytes and digest.hexdigest() == archive.sha256


def _digest(file: BinaryIO) -> hashlib._Hash:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest
