"""What tests of content start from."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from tests.support.content import Content
from tests.support.imports import Imports


@pytest.fixture
def content() -> Content:
    return Content()


@pytest.fixture
async def imports(unit_of_work: Callable[[], PostgresUnitOfWork]) -> Imports:
    made = Imports(unit_of_work)
    await made.add_users()
    return made
