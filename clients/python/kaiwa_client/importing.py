"""Imports: files brought to the server, looked at, and run as a job."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import grpc.aio

from kaiwa.content.v1 import content_service_pb2, import_pb2, sentence_pb2
from kaiwa_client.auth import TokenSource
from kaiwa_client.calls import QUICK, Calls, bearer
from kaiwa_client.errors import Unreachable, from_rpc

if TYPE_CHECKING:
    from kaiwa.content.v1.content_service_pb2_grpc import ContentServiceAsyncStub

CHUNK = 1 << 20
_PREVIEW = 40.0
_UPLOAD = 1800.0
_TRIES = 8

Sent = Callable[[int, int], None]
"""Is told how many bytes of how many have been sent."""


class Imports:
    """What may be imported; `KaiwaClient.imports` is one. Messages are the contract's.

    Args:
        stub: the server's.
        calls: makes the calls.
        tokens: who is signed in.
    """

    def __init__(self, stub: ContentServiceAsyncStub, calls: Calls, tokens: TokenSource) -> None:
        self._content = stub
        self._calls = calls
        self._tokens = tokens

    async def create(
        self, kind: str, *, shared: bool, options: import_pb2.ImportOptions | None = None
    ) -> import_pb2.Import:
        """Begins an import.

        Args:
            kind: `tatoeba`, `tatoeba_pairs`, `anki_package` or `table`.
            shared: whether the sentences go to everyone; teachers and administrators only.
            options: further ones.
        """
        given = import_pb2.ImportOptions()
        if options is not None:
            given.CopyFrom(options)
        given.visibility = sentence_pb2.VISIBILITY_SHARED if shared else sentence_pb2.VISIBILITY_PRIVATE
        request = content_service_pb2.CreateImportRequest(
            kind=import_pb2.ImportKind.Value(f"IMPORT_KIND_{kind.upper()}"), options=given
        )
        response = await self._calls.signed_in(
            self._tokens, lambda metadata: self._content.CreateImport(request, metadata=metadata, timeout=QUICK)
        )
        return response.content_import

    async def get(self, import_id: str) -> import_pb2.Import:
        """One of your imports."""
        request = content_service_pb2.GetImportRequest(id=import_id)
        response = await self._calls.signed_in(
            self._tokens, lambda metadata: self._content.GetImport(request, metadata=metadata, timeout=QUICK)
        )
        return response.content_import

    async def upload(
        self, import_id: str, role: str, path: Path, sent: Sent = lambda done, total: None
    ) -> import_pb2.Import:
        """Uploads a file, or what is missing of it; goes on by itself where the connection broke.

        Args:
            role: such as `table` or `anki_package`.
            sent: is told how far it is.

        Raises:
            OSError: the file can't be read.
            KaiwaError: it failed for good.
        """
        number = import_pb2.ImportFileRole.Value(f"IMPORT_FILE_ROLE_{role.upper()}")
        size = (await asyncio.to_thread(path.stat)).st_size
        sha256 = await asyncio.to_thread(_digest, path)
        for tries in range(_TRIES):
            known = next((file for file in (await self.get(import_id)).files if file.role == number), None)
            if known is not None and known.complete and known.sha256 == sha256:
                sent(size, size)
                break
            goes_on = known is not None and known.size_bytes == size and not known.complete
            offset = known.received_bytes if known is not None and goes_on and known.received_bytes < size else 0
            header = content_service_pb2.ImportUploadHeader(
                import_id=import_id,
                role=number,
                file_name=path.name[:255],
                offset=offset,
                size_bytes=size,
                sha256=sha256,
            )
            try:
                token = await self._tokens.token()
                response = await self._content.UploadImport(
                    _messages(header, path, sent), metadata=(bearer(token),), timeout=_UPLOAD
                )
                return response.content_import
            except grpc.aio.AioRpcError as failure:
                error = from_rpc(failure, self._calls.address)
                broken = isinstance(error, Unreachable) or error.code in ("ABORTED", "DEADLINE_EXCEEDED")
                if not broken or tries + 1 == _TRIES:
                    raise error from failure
                await self._calls.clock.sleep(min(0.5 * 2**tries, 10.0))
        return await self.get(import_id)

    async def preview(self, import_id: str, *, rows: int = 5) -> content_service_pb2.PreviewImportResponse:
        """What importing would do."""
        request = content_service_pb2.PreviewImportRequest(id=import_id, row_count=rows)
        return await self._calls.signed_in(
            self._tokens, lambda metadata: self._content.PreviewImport(request, metadata=metadata, timeout=_PREVIEW)
        )

    async def start(self, import_id: str) -> str:
        """Starts an import, or lets it go on; the job's id."""
        request = content_service_pb2.StartImportRequest(id=import_id)
        response = await self._calls.signed_in(
            self._tokens, lambda metadata: self._content.StartImport(request, metadata=metadata, timeout=QUICK)
        )
        return response.job_id


async def _messages(
    header: content_service_pb2.ImportUploadHeader, path: Path, sent: Sent
) -> AsyncIterator[content_service_pb2.UploadImportRequest]:
    yield content_service_pb2.UploadImportRequest(header=header)
    done = header.offset
    with path.open("rb") as file:
        file.seek(done)
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield content_service_pb2.UploadImportRequest(chunk=chunk)
            done += len(chunk)
            sent(done, header.size_bytes)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
