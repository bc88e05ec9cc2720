"""Accounts."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Insert, Update, delete, func, insert, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.domain.administration import UserFilter
from server.accounts.domain.user import Credentials, User, email_taken, username_taken
from server.adapters.postgres.failures import violated
from server.adapters.postgres.tables import UserRow
from server.kernel.identity import Role, UserId
from server.kernel.paging import Page, PageRequest


class PostgresUsers:
    """Stores accounts. Names are compared in lower case, as the unique indexes on them do."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, user: User, password_hash: str) -> None:
        """Stores a new account.

        Raises:
            AlreadyExists: EMAIL_TAKEN or USERNAME_TAKEN.
        """
        await self._write(insert(UserRow).values(id=user.id, password_hash=password_hash, **_columns(user)))

    async def get(self, user_id: UserId) -> User | None:
        """An account by its id."""
        found = await self._find(UserRow.id == user_id)
        return None if found is None else found.user

    async def find_by_email(self, key: str) -> Credentials | None:
        """An account by its address in lower case."""
        return await self._find(func.lower(UserRow.email) == key)

    async def find_by_username(self, key: str) -> Credentials | None:
        """An account by its username in lower case."""
        return await self._find(func.lower(UserRow.username) == key)

    async def lock(self, user_id: UserId) -> Credentials | None:
        """An account as it is now; nobody else changes it until the transaction ends."""
        return await self._find(UserRow.id == user_id, lock=True)

    async def save(self, user: User) -> None:
        """Stores an account that was changed.

        Raises:
            AlreadyExists: EMAIL_TAKEN or USERNAME_TAKEN.
        """
        await self._write(update(UserRow).where(UserRow.id == user.id).values(**_columns(user)))

    async def set_password_hash(self, user_id: UserId, password_hash: str) -> None:
        """Stores another hash of an account's password."""
        await self._write(update(UserRow).where(UserRow.id == user_id).values(password_hash=password_hash))

    async def delete(self, user_id: UserId) -> None:
        """Deletes an account, and with it what refers to it."""
        await self._session.execute(delete(UserRow).where(UserRow.id == user_id))

    async def lock_out(self, user_id: UserId) -> Credentials | None:
        """An account that until the transaction ends nobody else changes, nor stores anything for."""
        query = select(UserRow).where(UserRow.id == user_id).with_for_update()
        row = (await self._session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()
        return None if row is None else Credentials(_user(row), row.password_hash)

    async def list(self, wanted: UserFilter, page: PageRequest) -> Page[User]:
        """Accounts, the newest first."""
        query = (
            select(UserRow)
            .where(*_conditions(wanted))
            .order_by(UserRow.created_at.desc(), UserRow.id.desc())
            .limit(page.size + 1)
            .execution_options(populate_existing=True)
        )
        if page.after is not None:
            at, user_id = page.after
            query = query.where(tuple_(UserRow.created_at, UserRow.id) < (datetime.fromisoformat(at), user_id))
        rows = (await self._session.execute(query)).scalars().all()
        items = tuple(_user(row) for row in rows[: page.size])
        more = len(rows) > page.size
        return Page(items, (items[-1].created_at.isoformat(), items[-1].id) if more else None)

    async def lock_active_admins(self) -> frozenset[UserId]:
        """The active administrators, locked in the order of their ids, so that two who do this never deadlock."""
        query = (
            select(UserRow.id)
            .where(UserRow.role == Role.ADMIN.value, UserRow.active, UserRow.deletion_job_id.is_(None))
            .order_by(UserRow.id)
            .with_for_update(key_share=True)
        )
        return frozenset(UserId(user_id) for user_id in (await self._session.execute(query)).scalars())

    async def _find(self, condition: ColumnElement[bool], *, lock: bool = False) -> Credentials | None:
        query = select(UserRow).where(condition).execution_options(populate_existing=True)
        if lock:
            # FOR NO KEY UPDATE: others may go on to insert rows that refer to the account.
            query = query.with_for_update(key_share=True)
        row = (await self._session.execute(query)).scalar_one_or_none()
        return None if row is None else Credentials(_user(row), row.password_hash)

    async def _write(self, statement: Insert | Update) -> None:
        try:
            await self._session.execute(statement)
        except IntegrityError as error:
            match violated(error):
                case "uq_users_email_lower":
                    raise email_taken() from error
                case "uq_users_username_lower":
                    raise username_taken() from error
            raise


def _conditions(wanted: UserFilter) -> Sequence[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.text:
        names = (UserRow.email, UserRow.username)
        conditions.append(or_(*(func.strpos(func.lower(name), wanted.text) > 0 for name in names)))
    if wanted.role is not None:
        conditions.append(UserRow.role == wanted.role.value)
    if wanted.active is not None:
        conditions.append(UserRow.active.is_(wanted.active))
    if wanted.verified is not None:
        conditions.append(UserRow.verified.is_(wanted.verified))
    return conditions


def _columns(user: User) -> dict[str, object]:
    return {
        "email": user.email,
        "username": user.username,
        "role": user.role.value,
        "native_language": user.native_language,
        "target_language": user.target_language,
        "level": user.level,
        "time_zone": user.time_zone,
        "day_turn_hour": user.day_turn_hour,
        "voice_retention_days": user.voice_retention_days,
        "active": user.active,
        "verified": user.verified,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "deletion_job_id": user.deletion_job_id,
    }


def _user(row: UserRow) -> User:
    return User(
        id=UserId(row.id),
        email=row.email,
        username=row.username,
        role=Role(row.role),
        native_language=row.native_language,
        target_language=row.target_language,
        level=row.level,
        time_zone=row.time_zone,
        day_turn_hour=row.day_turn_hour,
        voice_retention_days=row.voice_retention_days,
        active=row.active,
        verified=row.verified,
        created_at=row.created_at,
        updated_at=row.updated_at,
        deletion_job_id=row.deletion_job_id,
    )
