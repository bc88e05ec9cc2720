"""The configuration table in PostgreSQL."""

from collections.abc import Callable

from sqlalchemy import insert

from server.adapters.postgres.tables import SystemConfigRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from tests.support.kernel import NOON


async def test_public_values_are_those_marked_so(unit_of_work: Callable[[], PostgresUnitOfWork]) -> None:
    rows = [("app.minimum_version", "1.2", True), ("limits.secret", "5", False)]
    async with unit_of_work() as uow:
        for key, value, public in rows:
            await uow.session.execute(
                insert(SystemConfigRow).values(key=key, value=value, is_public=public, updated_at=NOON)
            )

        assert await uow.config.public_values() == {"app.minimum_version": "1.2"}
