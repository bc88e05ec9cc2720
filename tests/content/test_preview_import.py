"""PreviewImport shows what importing would do, and changes nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.content.domain.imports import (
    FileRole,
    ImportField,
    ImportKind,
    Outcome,
    ProblemKind,
    TableOptions,
)
from server.errors import FailedPrecondition, InvalidInput, Reason
from tests.support.content import STUDENT
from tests.support.imports import CSV, PRIVATE, Imports, zipped


async def test_a_table_is_guessed_and_shown(imports: Imports) -> None:
    ready = await imports.ready(ImportKind.TABLE, {FileRole.TABLE: CSV + b"hello,x,\n"})

    shown = await imports.preview(STUDENT, ready.id, None, 0)

    assert shown.options.table == TableOptions(
        "utf-8",
        ",",
        True,
        (
            (0, "Japanese", ImportField.JAPANESE),
            (1, "English", ImportField.ENGLISH),
            (2, "Reading", ImportField.READING),
        ),
    )
    assert (shown.head.entries, shown.exhaustive, shown.problem_count) == (3, True, 1)
    assert [row.outcome for row in shown.rows] == [Outcome.ADDED, Outcome.ADDED, Outcome.REFUSED]
    assert shown.rows[0].entry is not None
    assert shown.rows[0].entry.japanese == "水を飲む。"
    assert shown.problems[0].kind is ProblemKind.NO_JAPANESE
    assert (await imports.get(STUDENT, ready.id)).options == PRIVATE


async def test_what_is_there_already_is_told(imports: Imports) -> None:
    await imports.imported(ImportKind.TABLE, {FileRole.TABLE: CSV})
    ready = await imports.ready(ImportKind.TABLE, {FileRole.TABLE: CSV.replace(b"bridge", b"river")})

    shown = await imports.preview(STUDENT, ready.id, None, 10)

    assert [row.outcome for row in shown.rows] == [Outcome.UNCHANGED, Outcome.UPDATED]


async def test_a_mapping_to_a_column_that_is_not_there(imports: Imports) -> None:
    ready = await imports.ready(ImportKind.TABLE, {FileRole.TABLE: CSV})
    options = replace(PRIVATE, table=TableOptions(columns=((7, "", ImportField.JAPANESE),)))
    with pytest.raises(InvalidInput) as refused:
        await imports.preview(STUDENT, ready.id, options, 0)

    assert refused.value.reason is Reason.IMPORT_MAPPING_INVALID
    assert refused.value.metadata["problem"] == "There is no column 7."


async def test_a_file_that_can_not_be_used(imports: Imports) -> None:
    ready = await imports.ready(ImportKind.ANKI_PACKAGE, {FileRole.ANKI_PACKAGE: zipped({"../../etc/passwd": b"x"})})
    with pytest.raises(FailedPrecondition) as refused:
        await imports.preview(STUDENT, ready.id, None, 0)

    assert refused.value.reason is Reason.IMPORT_FILE_REFUSED
    assert refused.value.metadata["problem"] == "IMPORT_PROBLEM_KIND_UNSAFE_NAME"
    assert refused.value.metadata["entry"] == "../../etc/passwd"
