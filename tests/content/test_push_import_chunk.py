"""PushImportChunk receives files from browsers, chunk by chunk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.content.domain.imports import FileRole, ImportKind, ImportState
from server.content.import_uploads import UploadHeader
from server.errors import OutOfRange, Reason
from tests.support.content import STUDENT
from tests.support.imports import CSV, PRIVATE, Imports


async def test_chunks_in_order_make_a_file_and_repeats_change_nothing(imports: Imports) -> None:
    made = await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)
    header = UploadHeader(made.id, FileRole.TABLE, "a.csv", 0, len(CSV))

    found, file = await imports.push(STUDENT, header, CSV[:20])
    assert (found.state, file.received_bytes) == (ImportState.AWAITING_FILES, 20)
    for _ in range(2):
        await imports.push(STUDENT, header, CSV[:20])
    with pytest.raises(OutOfRange) as refused:
        await imports.push(STUDENT, replace(header, offset=30), CSV[30:])
    assert refused.value.reason is Reason.UPLOAD_OFFSET_MISMATCH
    assert refused.value.metadata["received_bytes"] == "20"

    for _ in range(2):
        found, file = await imports.push(STUDENT, replace(header, offset=20), CSV[20:])
    assert (found.state, file.complete) == (ImportState.READY, True)
    assert b"".join(imports.store.objects[key] for key in sorted(imports.store.objects)) == CSV


async def test_another_size_begins_the_file_anew(imports: Imports) -> None:
    made = await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)
    header = UploadHeader(made.id, FileRole.TABLE, "a.csv", 0, 100)
    await imports.push(STUDENT, header, b"x" * 50)

    _, file = await imports.push(STUDENT, replace(header, size_bytes=200), b"y" * 10)

    assert (file.size_bytes, file.received_bytes) == (200, 10)
