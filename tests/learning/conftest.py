"""What tests of learning start from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from server.adapters.postgres.unit_of_work import PostgresUnitOfWork, reading_factory
from tests.support.learning import Study, studying


@pytest.fixture
async def study(unit_of_work: Callable[[], PostgresUnitOfWork], engine: AsyncEngine) -> AsyncIterator[Study]:
    async with studying(unit_of_work, reading_factory(engine)) as study:
        yield study
