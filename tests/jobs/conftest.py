"""Two accounts on a database of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.jobs import Jobs, ServedJobs, serving_jobs, with_two_accounts


@pytest.fixture
async def jobs(engine: AsyncEngine) -> Jobs:
    """Mika and Ken, without jobs."""
    return await with_two_accounts(engine)


@pytest.fixture
async def served(jobs: Jobs) -> AsyncIterator[ServedJobs]:
    """JobsService over a real port."""
    async with serving_jobs(jobs) as running:
        yield running
