"""UploadImport keeps what arrives, and goes on where it broke."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.content.domain.imports import LIMITS, FileRole, ImportId, ImportKind, ImportState
from server.content.import_uploads import UploadHeader
from server.errors import Aborted, ApplicationError, DeadlineExceeded, InvalidInput, NotFound, OutOfRange, Reason
from tests.support.content import OTHER_STUDENT, STUDENT
from tests.support.imports import CSV, PRIVATE, Imports, messages


async def test_a_whole_file_makes_the_import_ready(imports: Imports) -> None:
    made = await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)

    found = await imports.upload(
        STUDENT, messages(made.id, FileRole.TABLE, CSV, sha256=hashlib.sha256(CSV).hexdigest())
    )

    assert found.state is ImportState.READY
    assert found.files[0].sha256 == hashlib.sha256(CSV).hexdigest()
    assert b"".join(imports.store.objects.values()) == CSV


async def test_what_arrived_before_a_break_is_kept(imports: Imports) -> None:
    made = await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)
    data = CSV * 50

    async def broken() -> AsyncIterator[UploadHeader | bytes]:
        yield UploadHeader(made.id, FileRole.TABLE, "a", 0, len(data))
        yield data[:3000]
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await imports.upload(STUDENT, broken())
    half = await imports.get(STUDENT, made.id)
    assert (half.state, half.files[0].received_bytes) == (ImportState.AWAITING_FILES, 3000)

    rest = messages(made.id, FileRole.TABLE, data[3000:], offset=3000, size=len(data))
    found = await imports.upload(STUDENT, rest)

    assert found.files[0].sha256 == hashlib.sha256(data).hexdigest()


async def test_a_file_that_differs_from_its_digest_is_dropped(imports: Imports) -> None:
    made = await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)
    with pytest.raises(InvalidInput) as refused:
        await imports.upload(STUDENT, messages(made.id, FileRole.TABLE, CSV, sha256="0" * 64))

    assert refused.value.reason is Reason.UPLOAD_CHECKSUM_MISMATCH
    assert (await imports.get(STUDENT, made.id)).files == ()


async def test_an_upload_that_stalls_keeps_what_it_has(unit_of_work: Callable[[], PostgresUnitOfWork]) -> None:
    imports = Imports(unit_of_work, replace(LIMITS, max_upload_idle=timedelta(milliseconds=20)))
    await imports.add_users()
    made = await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)

    async def stalled() -> AsyncIterator[UploadHeader | bytes]:
        yield UploadHeader(made.id, FileRole.TABLE, "a", 0, 100)
        yield b"12345"
        await asyncio.Event().wait()

    with pytest.raises(DeadlineExceeded) as refused:
        await imports.upload(STUDENT, stalled())

    assert refused.value.reason is Reason.UPLOAD_STALLED
    assert (await imports.get(STUDENT, made.id)).files[0].received_bytes == 5


async def test_what_can_not_be_taken_is_refused(unit_of_work: Callable[[], PostgresUnitOfWork]) -> None:
    imports = Imports(unit_of_work, replace(LIMITS, max_file_bytes=1000))
    await imports.add_users()
    made = await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)

    async def refusal(kind: type[ApplicationError], stream: AsyncIterator[UploadHeader | bytes]) -> Reason:
        with pytest.raises(kind) as refused:
            await imports.upload(STUDENT, stream)
        return refused.value.reason

    async def of(*parts: UploadHeader | bytes) -> AsyncIterator[UploadHeader | bytes]:
        for part in parts:
            yield part

    header = UploadHeader(made.id, FileRole.TABLE, "a", 0, 10)
    assert await refusal(InvalidInput, of(b"x")) is Reason.UPLOAD_HEADER_MISSING
    assert await refusal(InvalidInput, of()) is Reason.UPLOAD_HEADER_MISSING
    assert await refusal(InvalidInput, of(header, header)) is Reason.UPLOAD_HEADER_REPEATED
    assert await refusal(InvalidInput, of(header, b"x" * 11)) is Reason.UPLOAD_TOO_LARGE
    assert await refusal(InvalidInput, of(replace(header, size_bytes=1001))) is Reason.UPLOAD_TOO_LARGE
    assert await refusal(OutOfRange, of(replace(header, offset=5))) is Reason.UPLOAD_OFFSET_MISMATCH
    wrong = replace(header, role=FileRole.ANKI_PACKAGE)
    assert await refusal(InvalidInput, of(wrong)) is Reason.IMPORT_FILE_UNEXPECTED
    nobody = replace(header, import_id=ImportId("0198c0de-0000-7000-a000-0000000000ff"))
    assert await refusal(NotFound, of(nobody)) is Reason.IMPORT_NOT_FOUND
    with pytest.raises(NotFound):
        await imports.upload(OTHER_STUDENT, of(header))


async def test_two_uploads_of_a_file_at_once_do_not_mix(imports: Imports) -> None:
    made = await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)
    header = UploadHeader(made.id, FileRole.TABLE, "a", 0, 10)
    _, file = await imports.uploads.begin(STUDENT, header, anew=True)
    await imports.uploads.add(STUDENT, header, file, b"12345")

    with pytest.raises(Aborted) as refused:
        await imports.uploads.add(STUDENT, header, file, b"67890")

    assert refused.value.reason is Reason.UPLOAD_IN_PROGRESS
    assert list(imports.store.objects.values()) == [b"12345"]
