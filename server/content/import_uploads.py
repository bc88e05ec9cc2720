"""Receives the files of imports, part by part. What arrived is kept, so that an upload can go on where it broke."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace

from server.content.domain.imports import (
    KEPT,
    LIMITS,
    ROLES,
    FileRole,
    Import,
    ImportFile,
    ImportId,
    ImportLimits,
    ImportState,
    import_not_found,
    wrong_state,
)
from server.content.ports.imports import UnitOfWork, UnitOfWorkFactory, UploadStore
from server.errors import Aborted, InvalidInput, OutOfRange, Reason
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller

PREFIX = "imports/"
"""What the keys of parts begin with."""
_OPEN = frozenset({ImportState.AWAITING_FILES, ImportState.READY, ImportState.FAILED, ImportState.CANCELLED})


@dataclass(frozen=True, slots=True)
class UploadHeader:
    """What precedes the bytes of a file.

    Attributes:
        offset: where in the file the first of them belongs.
        size_bytes: of the whole file.
        sha256: of the whole file, hexadecimal; empty: not checked.
    """

    import_id: ImportId
    role: FileRole
    file_name: str
    offset: int
    size_bytes: int
    sha256: str = ""


class ImportUploads:
    """Keeps parts of files in the object store and counts them in the database.

    Args:
        unit_of_work: opens a transaction.
        store: where parts are kept.
        clock: tells the time.
        ids: makes ids.
        limits: what a file may not pass.
    """

    def __init__(
        self,
        unit_of_work: UnitOfWorkFactory,
        store: UploadStore,
        clock: Clock,
        ids: IdSource,
        limits: ImportLimits = LIMITS,
    ) -> None:
        self._unit_of_work = unit_of_work
        self._store = store
        self._clock = clock
        self._ids = ids
        self.limits = limits

    async def begin(self, caller: Caller, header: UploadHeader, *, anew: bool) -> tuple[Import, ImportFile]:
        """The import and the file as far as it is there, for bytes that begin at the header's offset.

        Args:
            anew: whether offset 0 begins a file anew of which a part is there already.

        Raises:
            NotFound: IMPORT_NOT_FOUND.
            FailedPrecondition: IMPORT_WRONG_STATE.
            InvalidInput: IMPORT_FILE_UNEXPECTED, UPLOAD_TOO_LARGE.
            OutOfRange: UPLOAD_OFFSET_MISMATCH.
        """
        async with self._unit_of_work() as uow:
            found = await uow.imports.lock(header.import_id, caller.user_id)
            if found is None:
                raise import_not_found(header.import_id)
            if found.state not in _OPEN:
                raise wrong_state(found)
            if header.role not in ROLES[found.kind]:
                raise InvalidInput(
                    "role",
                    "is not a role that imports of this kind have",
                    reason=Reason.IMPORT_FILE_UNEXPECTED,
                    metadata={
                        "kind": f"IMPORT_KIND_{found.kind.name}",
                        "role": f"IMPORT_FILE_ROLE_{header.role.name}",
                    },
                )
            if header.size_bytes > self.limits.max_file_bytes:
                raise self._too_large()
            file = found.file(header.role)
            if header.offset == 0 and (file is None or anew or file.size_bytes != header.size_bytes):
                file = ImportFile(header.role, self._ids.new_id(), header.file_name, header.size_bytes)
                await uow.imports.begin_file(found.id, file)
                # Another file is other material: nothing of it is done.
                found = replace(found, position=0, media_position=0, report=None, failure=None)
                await self._touch(uow, found, ImportState.AWAITING_FILES)
                await uow.commit()
                return found, file
            if file is None or file.size_bytes != header.size_bytes:
                raise _mismatch(header, file)
            return found, file

    async def add(self, owner: Caller, header: UploadHeader, file: ImportFile, data: bytes) -> ImportFile:
        """Adds bytes at the end of a file, and checks it when it is whole.

        Raises:
            InvalidInput: UPLOAD_TOO_LARGE, UPLOAD_CHECKSUM_MISMATCH.
            Aborted: UPLOAD_IN_PROGRESS when somebody else added bytes meanwhile.
            Unavailable: STORAGE_UNAVAILABLE.
        """
        if file.received_bytes + len(data) > file.size_bytes:
            raise self._too_large()
        folder = f"{PREFIX}{header.import_id}/{file.role.value}/{file.upload_id}"
        key = f"{folder}/{file.received_bytes:013d}-{self._ids.new_id()}"
        await self._store.put(key, data, {"content_type": "application/octet-stream"})
        async with self._unit_of_work() as uow:
            found = await uow.imports.lock(header.import_id, owner.user_id)
            if found is not None and await uow.imports.add_part(header.import_id, file, len(data), key):
                await self._touch(uow, found, ImportState.AWAITING_FILES)
                await uow.commit()
            else:
                found = None
        if found is None:
            await self._store.delete(key)
            raise Aborted(
                Reason.UPLOAD_IN_PROGRESS,
                "Another upload of the same file is under way.",
                metadata={"import_id": header.import_id, "role": f"IMPORT_FILE_ROLE_{file.role.name}"},
            )
        file = replace(file, received_bytes=file.received_bytes + len(data))
        return await self.complete(owner, header, file) if file.received_bytes == file.size_bytes else file

    async def complete(self, owner: Caller, header: UploadHeader, file: ImportFile) -> ImportFile:
        """Checks a file of which all bytes are there.

        Raises:
            InvalidInput: UPLOAD_CHECKSUM_MISMATCH; the file is then gone.
        """
        async with self._unit_of_work() as uow:
            keys = await uow.imports.parts(header.import_id, file.role)
        digest = hashlib.sha256()
        for key in keys:
            part = await self._store.get(key)
            await asyncio.to_thread(digest.update, part or b"")
        sha256 = digest.hexdigest()
        async with self._unit_of_work() as uow:
            found = await uow.imports.lock(header.import_id, owner.user_id)
            if found is None:
                raise import_not_found(header.import_id)
            if header.sha256 and header.sha256 != sha256:
                await uow.imports.drop_file(found.id, file.role)
                await self._touch(uow, found, ImportState.AWAITING_FILES)
                await uow.commit()
                raise InvalidInput(
                    "sha256",
                    "is not that of the bytes that arrived; they were dropped",
                    reason=Reason.UPLOAD_CHECKSUM_MISMATCH,
                    metadata={"sha256": sha256},
                )
            await uow.imports.complete_file(found.id, file, sha256)
            file = replace(file, sha256=sha256)
            others = tuple(each for each in found.files if each.role is not file.role)
            whole = replace(found, files=(*others, file)).missing() is None
            await self._touch(uow, found, ImportState.READY if whole else ImportState.AWAITING_FILES)
            await uow.commit()
        return file

    async def found(self, caller: Caller, import_id: ImportId) -> Import:
        """The import as it is now.

        Raises:
            NotFound: IMPORT_NOT_FOUND.
        """
        async with self._unit_of_work() as uow:
            found = await uow.imports.get(import_id, caller.user_id)
        if found is None:
            raise import_not_found(import_id)
        return found

    async def _touch(self, uow: UnitOfWork, found: Import, state: ImportState) -> None:
        now = self._clock.now()
        await uow.imports.save(replace(found, state=state, failure=None, updated_at=now, expires_at=now + KEPT))

    def _too_large(self) -> InvalidInput:
        return InvalidInput(
            "size_bytes",
            f"has more than {self.limits.max_file_bytes} bytes, or more than were announced",
            reason=Reason.UPLOAD_TOO_LARGE,
            metadata={"limit_bytes": str(self.limits.max_file_bytes)},
        )


def check_offset(header: UploadHeader, file: ImportFile) -> None:
    """Refuses bytes that don't continue a file.

    Raises:
        OutOfRange: UPLOAD_OFFSET_MISMATCH.
    """
    if header.offset != file.received_bytes:
        raise _mismatch(header, file)


def _mismatch(header: UploadHeader, file: ImportFile | None) -> OutOfRange:
    received, size = (0, header.size_bytes) if file is None else (file.received_bytes, file.size_bytes)
    return OutOfRange(
        Reason.UPLOAD_OFFSET_MISMATCH,
        f"The file has {received} of {size} bytes so far; go on from there.",
        metadata={"offset": str(header.offset), "received_bytes": str(received), "size_bytes": str(size)},
    )
