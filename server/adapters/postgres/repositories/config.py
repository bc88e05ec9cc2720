"""The configuration table."""

from collections.abc import Mapping

from sqlalchemy import collate, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.domain.administration import ConfigEntry
from server.adapters.postgres.tables import SystemConfigRow
from server.kernel.identity import UserId
from server.kernel.paging import Page, PageRequest

# By the characters' codes, whatever the database's locale.
_KEY = collate(SystemConfigRow.key, "C")


class PostgresConfig:
    """Stores the configuration table."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get(self, key: str) -> ConfigEntry | None:
        """An entry by its key."""
        query = select(SystemConfigRow).where(SystemConfigRow.key == key).execution_options(populate_existing=True)
        row = (await self._session.execute(query)).scalar_one_or_none()
        return None if row is None else _entry(row)

    async def set(self, entry: ConfigEntry) -> None:
        """Stores an entry, in the place of the one with its key if there is one."""
        values = {
            "value": entry.value,
            "description": entry.description,
            "is_public": entry.public,
            "updated_at": entry.updated_at,
            "updated_by": entry.updated_by,
        }
        await self._session.execute(
            insert(SystemConfigRow)
            .values(key=entry.key, **values)
            .on_conflict_do_update(index_elements=[SystemConfigRow.key], set_=values)
        )

    async def delete(self, key: str) -> None:
        """Deletes an entry; one that is not there is no error."""
        await self._session.execute(delete(SystemConfigRow).where(SystemConfigRow.key == key))

    async def list(self, key_prefix: str, page: PageRequest) -> Page[ConfigEntry]:
        """Entries whose keys begin so, in the order of their keys."""
        query = (
            select(SystemConfigRow)
            .where(SystemConfigRow.key.startswith(key_prefix, autoescape=True))
            .order_by(_KEY)
            .limit(page.size + 1)
            .execution_options(populate_existing=True)
        )
        if page.after is not None:
            query = query.where(page.after[0] < _KEY)
        rows = (await self._session.execute(query)).scalars().all()
        items = tuple(_entry(row) for row in rows[: page.size])
        return Page(items, (items[-1].key,) if len(rows) > page.size else None)

    async def public_values(self) -> Mapping[str, str]:
        """The values of all public entries by their keys."""
        query = select(SystemConfigRow.key, SystemConfigRow.value).where(SystemConfigRow.is_public)
        return {key: value for key, value in await self._session.execute(query)}


def _entry(row: SystemConfigRow) -> ConfigEntry:
    return ConfigEntry(
        key=row.key,
        value=row.value,
        description=row.description,
        public=row.is_public,
        updated_at=row.updated_at,
        updated_by=None if row.updated_by is None else UserId(row.updated_by),
    )
