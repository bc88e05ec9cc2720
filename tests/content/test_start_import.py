"""StartImport queues imports whose files are there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import update

from server.adapters.postgres.tables import JobRow
from server.content.domain.imports import FileRole, ImportField, ImportKind, ImportState, TableOptions
from server.errors import FailedPrecondition, InvalidInput, NotFound, Reason
from tests.support.content import OTHER_STUDENT, STUDENT
from tests.support.imports import CSV, PRIVATE, Imports

REPEAT = ("0198c0de-0000-7000-a000-00000000000b", b"1" * 32)


async def test_an_import_is_queued_once(imports: Imports) -> None:
    ready = await imports.ready(ImportKind.TABLE, {FileRole.TABLE: CSV})

    job_id, started = await imports.start(STUDENT, ready.id, None, REPEAT)
    again, _ = await imports.start(STUDENT, ready.id, None)
    repeated, _ = await imports.start(STUDENT, ready.id, None, REPEAT)

    assert started.state is ImportState.QUEUED
    assert job_id == again == repeated


async def test_what_is_not_there_can_not_be_started(imports: Imports) -> None:
    made = await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)
    with pytest.raises(FailedPrecondition) as missing:
        await imports.start(STUDENT, made.id, None)
    assert missing.value.reason is Reason.IMPORT_FILES_MISSING
    assert missing.value.metadata["role"] == "IMPORT_FILE_ROLE_TABLE"
    with pytest.raises(NotFound):
        await imports.start(OTHER_STUDENT, made.id, None)


async def test_one_that_has_succeeded_stays_so(imports: Imports) -> None:
    done = await imports.imported(ImportKind.TABLE, {FileRole.TABLE: CSV})
    with pytest.raises(FailedPrecondition) as refused:
        await imports.start(STUDENT, done.id, None)

    assert refused.value.reason is Reason.IMPORT_WRONG_STATE
    assert refused.value.metadata["state"] == "IMPORT_STATE_SUCCEEDED"


async def test_a_mapping_without_japanese_is_refused(imports: Imports) -> None:
    ready = await imports.ready(ImportKind.TABLE, {FileRole.TABLE: CSV})
    options = replace(PRIVATE, table=TableOptions(columns=((0, "", ImportField.ENGLISH),)))
    with pytest.raises(InvalidInput) as refused:
        await imports.start(STUDENT, ready.id, options)

    assert refused.value.reason is Reason.IMPORT_MAPPING_INVALID


async def test_an_import_whose_job_was_cancelled_or_gave_up_can_go_on(imports: Imports) -> None:
    for ended, told in (("cancelled", ImportState.CANCELLED), ("failed", ImportState.FAILED)):
        ready = await imports.ready(ImportKind.TABLE, {FileRole.TABLE: CSV})
        job_id, _ = await imports.start(STUDENT, ready.id, None)
        async with imports.unit_of_work() as uow:
            now = imports.clock.now()
            failure = {"reason": "x", "message": "x", "metadata": []} if ended == "failed" else None
            await uow.session.execute(
                update(JobRow)
                .where(JobRow.id == job_id)
                .values(state=ended, ended_at=now, expires_at=now, failure=failure)
            )
            await uow.commit()

        found = await imports.get(STUDENT, ready.id)
        again, started = await imports.start(STUDENT, ready.id, None)

        assert found.state is told
        assert (found.failure is not None) == (told is ImportState.FAILED)
        assert again != job_id
        assert started.state is ImportState.QUEUED
