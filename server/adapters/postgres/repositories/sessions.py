"""Sign-in sessions with their refresh tokens."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.domain.session import (
    EndReason,
    Family,
    RefreshToken,
    RefreshTokenId,
    Session,
    SessionAccess,
)
from server.adapters.postgres.tables import RefreshTokenRow, SessionRow, UserRow
from server.kernel.identity import Role, SessionId, UserId
from server.kernel.paging import Page, PageRequest


class PostgresSessions:
    """Stores sessions. Whoever changes one holds its row's lock, so that refreshes of one session take turns."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, session: Session, token: RefreshToken) -> None:
        """Stores a new session with its first refresh token."""
        await self._session.execute(
            insert(SessionRow).values(
                id=session.id,
                user_id=session.user_id,
                device_name=session.device_name,
                user_agent=session.user_agent,
                created_at=session.created_at,
                refreshed_at=session.refreshed_at,
                expires_at=session.expires_at,
                revoked_at=session.ended_at,
                revoked_reason=session.end_reason,
            )
        )
        await self._add_token(token)

    async def access(self, session_id: SessionId, now: datetime) -> SessionAccess | None:
        """What decides about an access token of a session; None when there is no such session."""
        row = (
            await self._session.execute(
                select(
                    SessionRow.user_id,
                    SessionRow.revoked_at,
                    SessionRow.expires_at,
                    UserRow.role,
                    UserRow.active,
                    UserRow.deletion_job_id,
                )
                .join(UserRow, UserRow.id == SessionRow.user_id)
                .where(SessionRow.id == session_id)
            )
        ).one_or_none()
        if row is None:
            return None
        user_id, ended_at, expires_at, role, active, deletion_job_id = row
        live = ended_at is None and now < expires_at
        return SessionAccess(UserId(user_id), Role(role), active, live, deletion_job_id)

    async def lock_family(self, digest: bytes) -> Family | None:
        """What decides about a refresh token, with its session locked."""
        session_id = (
            await self._session.execute(select(RefreshTokenRow.session_id).where(RefreshTokenRow.token_hash == digest))
        ).scalar_one_or_none()
        if session_id is None:
            return None
        locked = (
            await self._session.execute(
                select(SessionRow, and_(UserRow.active, UserRow.deletion_job_id.is_(None)))
                .join(UserRow, UserRow.id == SessionRow.user_id)
                .where(SessionRow.id == session_id)
                .with_for_update(of=SessionRow, key_share=True)
                .execution_options(populate_existing=True)
            )
        ).one_or_none()
        # A statement of its own: it sees what those did who held the lock before.
        token = await self._token(RefreshTokenRow.token_hash == digest)
        if locked is None or token is None:
            return None
        session, user_active = locked
        successor = None if token.replaced_by is None else await self._token(RefreshTokenRow.id == token.replaced_by)
        return Family(_to_session(session), user_active, token, successor)

    async def rotate(self, session: Session, fresh: RefreshToken, *used: RefreshToken) -> None:
        """Stores a session as it is after a refresh."""
        await self._session.execute(
            update(SessionRow)
            .where(SessionRow.id == session.id)
            .values(user_agent=session.user_agent, refreshed_at=session.refreshed_at, expires_at=session.expires_at)
        )
        await self._add_token(fresh)
        for token in used:
            await self._session.execute(
                update(RefreshTokenRow)
                .where(RefreshTokenRow.id == token.id)
                .values(
                    used_at=token.used_at,
                    used_request_id=token.used_request_id,
                    replaced_by=token.replaced_by,
                )
            )

    async def end(self, session_id: SessionId, reason: EndReason, now: datetime) -> None:
        """Ends a session; one that has ended stays as it is."""
        await self._session.execute(
            update(SessionRow)
            .where(SessionRow.id == session_id, SessionRow.revoked_at.is_(None))
            .values(revoked_at=now, revoked_reason=reason.value)
        )

    async def end_all(self, user_id: UserId, reason: EndReason, now: datetime, *, keep: SessionId | None = None) -> int:
        """Ends a user's live sessions, all but `keep`; returns how many."""
        query = (
            update(SessionRow)
            .where(SessionRow.user_id == user_id, SessionRow.revoked_at.is_(None), SessionRow.expires_at > now)
            .values(revoked_at=now, revoked_reason=reason.value)
            .returning(SessionRow.id)
        )
        if keep is not None:
            query = query.where(SessionRow.id != keep)
        return len((await self._session.execute(query)).all())

    async def owner(self, session_id: SessionId) -> UserId | None:
        """Whose session it is, live or not; None when there is no such session."""
        query = select(SessionRow.user_id).where(SessionRow.id == session_id)
        user_id = (await self._session.execute(query)).scalar_one_or_none()
        return None if user_id is None else UserId(user_id)

    async def list_live(self, user_id: UserId, now: datetime, page: PageRequest) -> Page[Session]:
        """A user's live sessions, the last refreshed first."""
        query = (
            select(SessionRow)
            .where(SessionRow.user_id == user_id, SessionRow.revoked_at.is_(None), SessionRow.expires_at > now)
            .order_by(SessionRow.refreshed_at.desc(), SessionRow.id.desc())
            .limit(page.size + 1)
            .execution_options(populate_existing=True)
        )
        if page.after is not None:
            at, session_id = page.after
            position = (datetime.fromisoformat(at), session_id)
            query = query.where(tuple_(SessionRow.refreshed_at, SessionRow.id) < position)
        rows = (await self._session.execute(query)).scalars().all()
        items = tuple(_to_session(row) for row in rows[: page.size])
        more = len(rows) > page.size
        return Page(items, (items[-1].refreshed_at.isoformat(), items[-1].id) if more else None)

    async def _add_token(self, token: RefreshToken) -> None:
        await self._session.execute(
            insert(RefreshTokenRow).values(
                id=token.id,
                session_id=token.session_id,
                token_hash=token.digest,
                issued_at=token.issued_at,
                expires_at=token.expires_at,
                used_at=token.used_at,
                used_request_id=token.used_request_id,
                replaced_by=token.replaced_by,
            )
        )

    async def _token(self, condition: ColumnElement[bool]) -> RefreshToken | None:
        query = select(RefreshTokenRow).where(condition).execution_options(populate_existing=True)
        row = (await self._session.execute(query)).scalar_one_or_none()
        return None if row is None else _to_token(row)


def _to_session(row: SessionRow) -> Session:
    return Session(
        id=SessionId(row.id),
        user_id=UserId(row.user_id),
        device_name=row.device_name,
        user_agent=row.user_agent,
        created_at=row.created_at,
        refreshed_at=row.refreshed_at,
        expires_at=row.expires_at,
        ended_at=row.revoked_at,
        end_reason=None if row.revoked_reason is None else EndReason(row.revoked_reason),
    )


def _to_token(row: RefreshTokenRow) -> RefreshToken:
    return RefreshToken(
        id=RefreshTokenId(row.id),
        session_id=SessionId(row.session_id),
        digest=bytes(row.token_hash),
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
        used_request_id=row.used_request_id,
        replaced_by=None if row.replaced_by is None else RefreshTokenId(row.replaced_by),
    )
