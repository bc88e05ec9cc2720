"""GetImport finds the caller's own imports."""

from __future__ import annotations

import pytest

from server.content.domain.imports import ImportKind
from server.errors import NotFound, Reason
from tests.support.content import ADMIN, OTHER_STUDENT, STUDENT
from tests.support.imports import PRIVATE, Imports


async def test_only_its_creator_sees_an_import(imports: Imports) -> None:
    made = await imports.create(STUDENT, ImportKind.TABLE, PRIVATE)

    assert await imports.get(STUDENT, made.id) == made
    for other in (OTHER_STUDENT, ADMIN):
        with pytest.raises(NotFound) as refused:
            await imports.get(other, made.id)
        assert refused.value.reason is Reason.IMPORT_NOT_FOUND
