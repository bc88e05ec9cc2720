"""CreateImport begins imports."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.content.domain.imports import ImportKind, ImportOptions, ImportState, TableOptions
from server.content.domain.sentence import Visibility
from server.errors import AlreadyExists, InvalidInput, PermissionDenied, Reason, ResourceExhausted
from tests.support.content import STUDENT
from tests.support.imports import PRIVATE, Imports

REPEAT = ("0198c0de-0000-7000-a000-00000000000a", b"1" * 32)


async def test_an_import_awaits_its_files(imports: Imports) -> None:
    made = await imports.create(STUDENT, ImportKind.TABLE, replace(PRIVATE, tags_to_add=(" b", "a")))

    assert (made.state, made.options.tags_to_add, made.files) == (ImportState.AWAITING_FILES, ("a", "b"), ())
    assert await imports.get(STUDENT, made.id) == made


async def test_the_shared_space_needs_a_teacher(imports: Imports) -> None:
    with pytest.raises(PermissionDenied):
        await imports.create(STUDENT, ImportKind.TABLE, ImportOptions(Visibility.SHARED))


async def test_options_of_another_kind_are_refused(imports: Imports) -> None:
    with pytest.raises(InvalidInput) as refused:
        await imports.create(STUDENT, ImportKind.TATOEBA, replace(PRIVATE, table=TableOptions()))

    assert refused.value.metadata == {"field": "options.table"}


async def test_repeating_a_request_makes_one_import(imports: Imports) -> None:
    first = await imports.create(STUDENT, ImportKind.TABLE, PRIVATE, REPEAT)

    assert await imports.create(STUDENT, ImportKind.TABLE, PRIVATE, REPEAT) == first
    with pytest.raises(AlreadyExists):
        await imports.create(STUDENT, ImportKind.TABLE, PRIVATE, (REPEAT[0], b"2" * 32))


async def test_a_sixth_open_import_is_refused(imports: Imports) -> None:
    for _ in range(5):
        await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)
    with pytest.raises(ResourceExhausted) as refused:
        await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)

    assert refused.value.reason is Reason.IMPORT_LIMIT_REACHED
    assert refused.value.retry_after is not None
