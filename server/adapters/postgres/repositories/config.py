"""The configuration table."""

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.tables import SystemConfigRow


class PostgresConfig:
    """Reads the configuration table."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def public_values(self) -> Mapping[str, str]:
        """The values of all public entries by their keys."""
        query = select(SystemConfigRow.key, SystemConfigRow.value).where(SystemConfigRow.is_public)
        return {key: value for key, value in await self._session.execute(query)}
