"""What tests of learning start from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from tests.support.learning import Study, studying


@pytest.fixture
async def study(unit_of_work: Callable[[], PostgresUnitOfWork]) -> AsyncIterator[Study]:
    async with studying(unit_of_work) as study:
        yield study
