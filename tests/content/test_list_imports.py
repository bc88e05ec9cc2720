"""ListImports pages through the caller's imports, newest first."""

from __future__ import annotations

from datetime import timedelta

from server.content.domain.imports import FileRole, ImportKind, ImportState
from server.kernel.paging import PageRequest
from tests.support.content import OTHER_STUDENT, STUDENT
from tests.support.imports import CSV, PRIVATE, Imports


async def test_the_newest_come_first_page_by_page(imports: Imports) -> None:
    made = []
    for _ in range(3):
        made.append(await imports.create(STUDENT, ImportKind.TABLE, PRIVATE))
        imports.clock.advance(timedelta(minutes=1))
    await imports.create(OTHER_STUDENT, ImportKind.TABLE, PRIVATE)

    first = await imports.list(STUDENT, None, PageRequest(2, None))
    rest = await imports.list(STUDENT, None, PageRequest(2, first.next))

    assert [each.id for each in (*first.items, *rest.items)] == [each.id for each in reversed(made)]
    assert rest.next is None


async def test_a_state_filters(imports: Imports) -> None:
    await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)
    ready = await imports.ready(ImportKind.TABLE, {FileRole.TABLE: CSV})

    page = await imports.list(STUDENT, ImportState.READY, PageRequest(50, None))

    assert [each.id for each in page.items] == [ready.id]
