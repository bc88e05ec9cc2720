"""PushImportChunk: one chunk of a file, for browsers."""

from __future__ import annotations

from server.content.domain.imports import Import, ImportFile
from server.content.import_uploads import ImportUploads, UploadHeader, check_offset
from server.kernel.identity import Caller


class PushImportChunk:
    """Receives chunks.

    Args:
        uploads: keeps what comes.
    """

    def __init__(self, uploads: ImportUploads) -> None:
        self._uploads = uploads

    async def __call__(self, caller: Caller, header: UploadHeader, chunk: bytes) -> tuple[Import, ImportFile]:
        """Receives a chunk; one that was received before changes nothing.

        Raises:
            NotFound: IMPORT_NOT_FOUND.
            FailedPrecondition: IMPORT_WRONG_STATE.
            InvalidInput: IMPORT_FILE_UNEXPECTED, UPLOAD_TOO_LARGE, UPLOAD_CHECKSUM_MISMATCH.
            OutOfRange: UPLOAD_OFFSET_MISMATCH.
            Aborted: UPLOAD_IN_PROGRESS.
            Unavailable: STORAGE_UNAVAILABLE.
        """
        _, file = await self._uploads.begin(caller, header, anew=False)
        if header.offset + len(chunk) <= file.received_bytes:
            if not file.complete and file.received_bytes == file.size_bytes:
                file = await self._uploads.complete(caller, header, file)
        else:
            check_offset(header, file)
            file = await self._uploads.add(caller, header, file, chunk)
        return await self._uploads.found(caller, header.import_id), file
