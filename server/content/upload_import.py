"""UploadImport: a file, or the rest of one, in a stream of chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from server.content.domain.imports import Import
from server.content.import_uploads import ImportUploads, UploadHeader, check_offset
from server.errors import DeadlineExceeded, InvalidInput, Reason
from server.kernel.identity import Caller

_PART = 4 << 20
"""Bytes that are stored at once."""


class UploadImport:
    """Receives files.

    Args:
        uploads: keeps what comes.
    """

    def __init__(self, uploads: ImportUploads) -> None:
        self._uploads = uploads

    async def __call__(self, caller: Caller, messages: AsyncIterator[UploadHeader | bytes]) -> Import:
        """Receives a file; what arrived is kept when the stream breaks.

        Args:
            messages: the header, then the chunks.

        Raises:
            NotFound: IMPORT_NOT_FOUND.
            FailedPrecondition: IMPORT_WRONG_STATE.
            InvalidInput: IMPORT_FILE_UNEXPECTED, UPLOAD_HEADER_MISSING, UPLOAD_HEADER_REPEATED, UPLOAD_TOO_LARGE,
                UPLOAD_CHECKSUM_MISMATCH.
            OutOfRange: UPLOAD_OFFSET_MISMATCH.
            Aborted: UPLOAD_IN_PROGRESS.
            DeadlineExceeded: UPLOAD_STALLED.
            Unavailable: STORAGE_UNAVAILABLE.
        """
        header = await self._next(messages)
        if not isinstance(header, UploadHeader):
            raise InvalidInput("header", "has to come first", reason=Reason.UPLOAD_HEADER_MISSING)
        _, file = await self._uploads.begin(caller, header, anew=True)
        check_offset(header, file)
        held = bytearray()
        try:
            while (message := await self._next(messages)) is not None:
                if isinstance(message, UploadHeader):
                    raise InvalidInput("header", "comes once only", reason=Reason.UPLOAD_HEADER_REPEATED)
                held += message
                whole = file.received_bytes + len(held) >= file.size_bytes
                if len(held) >= _PART or whole:
                    data, held = bytes(held), bytearray()
                    file = await self._uploads.add(caller, header, file, data)
        except (asyncio.CancelledError, DeadlineExceeded):
            if held:
                await asyncio.shield(asyncio.create_task(self._keep(caller, header, file, bytes(held))))
            raise
        if held:
            file = await self._uploads.add(caller, header, file, bytes(held))
        if not file.complete and file.received_bytes == file.size_bytes:
            await self._uploads.complete(caller, header, file)
        return await self._uploads.found(caller, header.import_id)

    async def _keep(self, caller: Caller, header: UploadHeader, file: object, data: bytes) -> None:
        _, current = await self._uploads.begin(caller, header, anew=False)
        if current == file:
            await self._uploads.add(caller, header, current, data)

    async def _next(self, messages: AsyncIterator[UploadHeader | bytes]) -> UploadHeader | bytes | None:
        idle = self._uploads.limits.max_upload_idle.total_seconds()
        limit = asyncio.timeout(idle)
        try:
            async with limit:
                return await anext(messages, None)
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineExceeded(
                Reason.UPLOAD_STALLED,
                f"No message came for {idle:g} s. What arrived is kept: go on from there.",
                metadata={"limit_seconds": f"{idle:g}"},
            ) from None
