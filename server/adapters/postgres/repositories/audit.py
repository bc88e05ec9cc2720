"""The log of what administrators did."""

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.domain.administration import AuditEntry
from server.adapters.postgres.tables import AuditLogRow


class PostgresAudit:
    """Keeps what administrators did."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, entry: AuditEntry) -> None:
        """Stores an entry."""
        await self._session.execute(
            insert(AuditLogRow).values(
                id=entry.id,
                at=entry.at,
                actor_id=entry.actor_id,
                action=entry.action.value,
                user_id=entry.user_id,
                config_key=entry.config_key,
                changes={name: list(change) for name, change in entry.changes.items()},
                note=entry.note,
            )
        )
