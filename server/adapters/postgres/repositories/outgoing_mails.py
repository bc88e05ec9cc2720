"""Mails that are to be sent."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.domain.outgoing_mail import MailKind, OutgoingMail, OutgoingMailId
from server.adapters.postgres.tables import OutgoingMailRow
from server.kernel.identity import UserId


class PostgresOutgoingMails:
    """Stores mails until they are sent. Of many who take one at once, each gets another."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, mail: OutgoingMail) -> None:
        """Stores a mail."""
        await self._session.execute(
            insert(OutgoingMailRow).values(
                id=mail.id,
                kind=mail.kind.value,
                user_id=mail.user_id,
                address=mail.address,
                request_id=mail.request_id,
                body_hash=mail.body_hash,
                created_at=mail.created_at,
                due_at=mail.due_at,
                attempts=mail.attempts,
            )
        )

    async def take(self, now: datetime, until: datetime) -> OutgoingMail | None:
        """The mail that has been due for longest, which nobody else takes until then; None when none is due."""
        first = (
            select(OutgoingMailRow.id)
            .where(OutgoingMailRow.due_at <= now)
            .order_by(OutgoingMailRow.due_at, OutgoingMailRow.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        row = (
            await self._session.execute(
                update(OutgoingMailRow)
                .where(OutgoingMailRow.id == first)
                .values(due_at=until, attempts=OutgoingMailRow.attempts + 1)
                .returning(OutgoingMailRow)
                .execution_options(synchronize_session=False, populate_existing=True)
            )
        ).scalar_one_or_none()
        if row is None:
            return None
        return OutgoingMail(
            id=OutgoingMailId(row.id),
            kind=MailKind(row.kind),
            address=row.address,
            created_at=row.created_at,
            due_at=row.due_at,
            user_id=None if row.user_id is None else UserId(row.user_id),
            request_id=row.request_id,
            body_hash=None if row.body_hash is None else bytes(row.body_hash),
            attempts=row.attempts,
        )

    async def waits(self, mail_id: OutgoingMailId) -> bool:
        """Whether a mail is still to be sent."""
        query = select(OutgoingMailRow.id).where(OutgoingMailRow.id == mail_id)
        return (await self._session.execute(query)).scalar_one_or_none() is not None

    async def put_off(self, mail_id: OutgoingMailId, due_at: datetime) -> None:
        """Has a mail tried later."""
        await self._session.execute(update(OutgoingMailRow).where(OutgoingMailRow.id == mail_id).values(due_at=due_at))

    async def delete(self, mail_id: OutgoingMailId) -> None:
        """Forgets a mail; one that is not there is no error."""
        await self._session.execute(delete(OutgoingMailRow).where(OutgoingMailRow.id == mail_id))

    async def void(self, user_id: UserId, kind: MailKind, *, sparing: str | None = None) -> None:
        """Forgets a user's mails of a kind that have not been sent, but for those to this address."""
        query = delete(OutgoingMailRow).where(OutgoingMailRow.user_id == user_id, OutgoingMailRow.kind == kind.value)
        if sparing is not None:
            query = query.where(OutgoingMailRow.address != sparing)
        await self._session.execute(query)

    async def forget_addresses(self, addresses: Collection[str]) -> None:
        """Forgets all mails to addresses, whosever they are."""
        lower = {address.lower() for address in addresses}
        await self._session.execute(delete(OutgoingMailRow).where(func.lower(OutgoingMailRow.address).in_(lower)))
