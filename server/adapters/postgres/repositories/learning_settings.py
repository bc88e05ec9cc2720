"""Settings of study, and the log of how they and the learner's days changed."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Uuid, bindparam, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.repositories.card_rows import (
    DEFAULT_COLUMNS,
    SETTINGS,
    SETTINGS_CHANGES,
    as_json,
    settings_columns,
    settings_of,
)
from server.adapters.postgres.repositories.review_log import PostgresSequences
from server.adapters.postgres.tables import LearningSettingsRow, SettingsChangeRow, UserRow
from server.kernel.identity import UserId
from server.learning.domain.days import LearnerDays
from server.learning.domain.settings import ALWAYS, LearningSettings, Regime, Regimes
from server.learning.domain.sync import StoredSettings
from server.learning.ports import Standing

_DAYS = ("time_zone", "day_turn_hour")
_STANDING = (
    select(
        UserRow.time_zone,
        UserRow.day_turn_hour,
        select(SettingsChangeRow.effective_at)
        .where(SettingsChangeRow.user_id == UserRow.id)
        .order_by(SettingsChangeRow.effective_at.desc())
        .limit(1)
        .scalar_subquery()
        .label("since"),
        *SETTINGS.c,
    )
    .outerjoin(LearningSettingsRow, LearningSettingsRow.user_id == UserRow.id)
    .where(UserRow.id == bindparam("user_id", type_=Uuid(as_uuid=False)))
)
"""Built once, as every call that studies asks it."""


class PostgresLearningSettings:
    """Stores settings and every change of them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def standing(self, user_id: UserId) -> Standing:
        """What is in force now."""
        row = (await self._session.execute(_STANDING, {"user_id": user_id})).one()
        known = row.user_id is not None
        settings = settings_of(row._mapping) if known else LearningSettings()
        stored = StoredSettings(settings, row.updated_at if known else None, row.sequence if known else 0)
        days = LearnerDays(row.time_zone, row.day_turn_hour)
        return Standing(Regime(row.since or ALWAYS, settings, days), stored)

    async def regimes(self, user_id: UserId) -> Regimes:
        """All that ever was in force."""
        days = (
            await self._session.execute(select(UserRow.time_zone, UserRow.day_turn_hour).where(UserRow.id == user_id))
        ).one()
        changes = (
            await self._session.execute(
                select(SettingsChangeRow.effective_at, SettingsChangeRow.changes, SettingsChangeRow.moves_cards)
                .where(SettingsChangeRow.user_id == user_id)
                .order_by(SettingsChangeRow.effective_at, SettingsChangeRow.sequence)
            )
        ).all()
        columns: dict[str, Any] = dict(DEFAULT_COLUMNS)
        moved = next((change for _, change, _ in changes if "time_zone" in change), None)
        columns |= {name: getattr(days, name) if moved is None else moved[f"from_{name}"] for name in _DAYS}
        regimes = [_regime(ALWAYS, columns, moves_cards=False)]
        for since, change, moves_cards in changes:
            columns |= change
            regimes.append(_regime(since, columns, moves_cards=moves_cards))
        return Regimes(tuple(regimes))

    async def change(
        self,
        user_id: UserId,
        change_id: str,
        before: LearningSettings,
        after: LearningSettings,
        at: datetime,
        sequence: int,
        *,
        moves_cards: bool,
    ) -> None:
        """Puts other settings in force from `at` on."""
        previous, columns = settings_columns(before), settings_columns(after)
        row = upsert(LearningSettingsRow).values(user_id=user_id, sequence=sequence, updated_at=at, **columns)
        await self._session.execute(
            row.on_conflict_do_update(
                index_elements=[LearningSettingsRow.user_id], set_={**columns, "sequence": sequence, "updated_at": at}
            )
        )
        changed = {name: value for name, value in columns.items() if value != previous[name]}
        await _log(self._session, user_id, change_id, as_json(changed), at, sequence, moves_cards=moves_cards)


class PostgresStudyDays:
    """Tells the log of settings when a learner's days are counted otherwise."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def hold(self, user_id: UserId) -> None:
        """Lets nobody else change how a learner studies until the transaction ends."""
        await PostgresSequences(self._session).next(user_id)

    async def changed(
        self,
        user_id: UserId,
        change_id: str,
        before: tuple[str, int],
        after: tuple[str, int],
        at: datetime,
    ) -> None:
        """Puts another time zone and hour of the turn in force from `at` on."""
        sequence = await PostgresSequences(self._session).next(user_id)
        change = dict(zip(_DAYS, after, strict=True)) | {
            f"from_{name}": value for name, value in zip(_DAYS, before, strict=True)
        }
        await _log(self._session, user_id, change_id, change, at, sequence, moves_cards=False)


async def _log(
    session: AsyncSession,
    user_id: UserId,
    change_id: str,
    changes: Mapping[str, object],
    at: datetime,
    sequence: int,
    *,
    moves_cards: bool,
) -> None:
    await session.execute(
        insert(SETTINGS_CHANGES).values(
            user_id=user_id,
            id=change_id,
            effective_at=at,
            received_at=at,
            changes=changes,
            moves_cards=moves_cards,
            sequence=sequence,
        )
    )


def _regime(since: datetime, columns: Mapping[str, Any], *, moves_cards: bool) -> Regime:
    days = LearnerDays(columns["time_zone"], columns["day_turn_hour"])
    return Regime(since, settings_of(columns), days, moves_cards)
