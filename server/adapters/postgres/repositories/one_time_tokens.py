"""Tokens that were mailed."""

from datetime import datetime

from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.domain.one_time_token import OneTimeToken, OneTimeTokenId, Purpose
from server.adapters.postgres.tables import OneTimeTokenRow
from server.kernel.identity import UserId


class PostgresOneTimeTokens:
    """Stores tokens that are mailed. Whoever changes a user's holds the lock of that user."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, token: OneTimeToken) -> None:
        """Stores a new token."""
        await self._session.execute(
            insert(OneTimeTokenRow).values(
                id=token.id,
                user_id=token.user_id,
                purpose=token.purpose.value,
                token_hash=token.digest,
                email=token.email,
                issued_at=token.issued_at,
                expires_at=token.expires_at,
                used_at=token.used_at,
            )
        )

    async def find(self, digest: bytes, purpose: Purpose) -> OneTimeToken | None:
        """The token with this digest, if it is for this purpose."""
        query = (
            select(OneTimeTokenRow)
            .where(OneTimeTokenRow.token_hash == digest, OneTimeTokenRow.purpose == purpose.value)
            .execution_options(populate_existing=True)
        )
        row = (await self._session.execute(query)).scalar_one_or_none()
        if row is None:
            return None
        return OneTimeToken(
            id=OneTimeTokenId(row.id),
            user_id=UserId(row.user_id),
            purpose=Purpose(row.purpose),
            digest=bytes(row.token_hash),
            email=row.email,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            used_at=row.used_at,
        )

    async def use(self, token_id: OneTimeTokenId, now: datetime) -> None:
        """Marks a token as used."""
        await self._session.execute(update(OneTimeTokenRow).where(OneTimeTokenRow.id == token_id).values(used_at=now))

    async def void(self, user_id: UserId, purpose: Purpose, *, sparing: str | None = None) -> None:
        """Forgets a user's tokens for a purpose that have not been used, but for those mailed to this address."""
        query = delete(OneTimeTokenRow).where(
            OneTimeTokenRow.user_id == user_id,
            OneTimeTokenRow.purpose == purpose.value,
            OneTimeTokenRow.used_at.is_(None),
        )
        if sparing is not None:
            query = query.where(OneTimeTokenRow.email != sparing)
        await self._session.execute(query)

    async def addresses(self, user_id: UserId) -> frozenset[str]:
        """Where a user's tokens were mailed to, as far as they are kept."""
        query = select(OneTimeTokenRow.email).where(OneTimeTokenRow.user_id == user_id)
        return frozenset((await self._session.execute(query)).scalars())
