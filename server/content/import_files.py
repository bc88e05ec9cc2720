"""The files of an import on this machine's disk, for as long as they are read."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from server.content.domain.imports import FileRole, Import
from server.content.ports.imports import UnitOfWorkFactory, UploadStore
from server.errors import Reason, Unavailable


@asynccontextmanager
async def on_disk(
    found: Import, unit_of_work: UnitOfWorkFactory, store: UploadStore
) -> AsyncIterator[Mapping[FileRole, Path]]:
    """Brings the files of an import here, in a folder of their own that goes when the block ends.

    Raises:
        Unavailable: STORAGE_UNAVAILABLE, also when a part is not there.
    """
    folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="kaiwa-import-"))
    try:
        files: dict[FileRole, Path] = {}
        for file in found.files:
            async with unit_of_work() as uow:
                keys = await uow.imports.parts(found.id, file.role)
            # Named by its role: the name that it came with is never a path.
            path = folder / file.role.value
            await asyncio.to_thread(path.touch, 0o600)
            for key in keys:
                part = await store.get(key)
                if part is None:
                    raise Unavailable(Reason.STORAGE_UNAVAILABLE, "A part of an uploaded file is not there.")
                await asyncio.to_thread(_append, path, part)
            files[file.role] = path
        yield files
    finally:
        await asyncio.shield(asyncio.to_thread(shutil.rmtree, folder, True))


def _append(path: Path, part: bytes) -> None:
    with path.open("ab") as file:
        file.write(part)
