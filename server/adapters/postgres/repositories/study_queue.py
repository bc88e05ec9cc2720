"""What is to be studied, and what a device is told of changes."""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Double,
    Integer,
    Select,
    Table,
    Uuid,
    and_,
    bindparam,
    cast,
    func,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.repositories.card_rows import (
    CARDS,
    REVIEWS,
    SETTINGS,
    card_of,
    review_of,
    settings_of,
)
from server.adapters.postgres.repositories.cards import filter_conditions
from server.adapters.postgres.repositories.review_log import may_see
from server.adapters.postgres.tables import CardRow, LearningSettingsRow, ReviewRow, SentenceRow
from server.kernel.identity import UserId
from server.learning.domain.card import Card, State
from server.learning.domain.review import ReviewKind
from server.learning.domain.selection import CardFilter
from server.learning.domain.settings import NewCardOrder
from server.learning.domain.sync import (
    CardRemoval,
    Change,
    Changed,
    PlacedChange,
    SanityCounts,
    StoredSettings,
    SyncPosition,
)
from server.learning.ports import DoneToday, DueReviews, NewCards

# Written into the statement, not sent beside it: the indexes are partial, and a plan that is kept for all parameters
# could not use them otherwise.
_NEW: ColumnElement[str] = literal_column(f"'{State.NEW.value}'")
_REVIEW: ColumnElement[str] = literal_column(f"'{State.REVIEW.value}'")
_STEPS: tuple[ColumnElement[str], ...] = tuple(
    literal_column(f"'{state.value}'") for state in (State.LEARNING, State.RELEARNING)
)
_MOST_IN_STEPS = 1000
# A statement is built once for a filter, not for each call: building takes longer than PostgreSQL takes to run it.
_USER = bindparam("user_id", type_=Uuid(as_uuid=False))
_TODAY = bindparam("today", type_=Date)
_COUNT = bindparam("count", type_=Integer)
_KEPT = 64
"""Filters whose statements are kept. Nearly every learner asks without one."""
_UNRATED = 11
"""The difficulty that a sentence without one counts as: it comes last."""


class PostgresStudyQueue:
    """Finds cards that are not suspended, not buried on the day, and of a sentence that the learner may see."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def done(self, user_id: UserId, day_start: datetime) -> DoneToday:
        """What was answered since a day began."""
        values = {"user_id": user_id, "day_start": day_start}
        new_cards, reviews = (await self._session.execute(_DONE, values)).one()
        return DoneToday(new_cards, reviews)

    async def learning(self, user_id: UserId, filter: CardFilter, today: date, until: datetime) -> Sequence[Card]:
        """Cards in steps that end before `until`, the earliest first."""
        values = {"user_id": user_id, "today": today, "until": until}
        return [card_of(row) for row in (await self._session.execute(_learning(filter), values)).all()]

    async def reviews(self, user_id: UserId, filter: CardFilter, today: date, count: int) -> DueReviews:
        """Cards in REVIEW that are due on the day or before, the most forgotten first."""
        values = {"user_id": user_id, "today": today, "count": max(count, 1)}
        rows = (await self._session.execute(_reviews(filter), values)).all()
        return DueReviews([card_of(row) for row in rows[:count]], rows[0].in_all if rows else 0)

    async def new(self, user_id: UserId, filter: CardFilter, today: date, order: NewCardOrder, count: int) -> NewCards:
        """Cards that were never answered."""
        values = {"user_id": user_id, "today": today, "count": max(count, 1)}
        rows = (await self._session.execute(_new(filter, order), values)).all()
        return NewCards([card_of(row) for row in rows[:count]], rows[0].in_all if rows else 0)

    async def answered(self, user_id: UserId, filter: CardFilter, today: date, count: int) -> Sequence[Card]:
        """Cards that are not new, due or not, the most forgotten first."""
        values = {"user_id": user_id, "today": today, "count": count}
        return [card_of(row) for row in (await self._session.execute(_answered(filter), values)).all()]


class PostgresChangeFeed:
    """Tells what changed, in the order of sequences."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def since(self, user_id: UserId, after: SyncPosition, last: int, count: int) -> Sequence[PlacedChange]:
        """The first changes after a position, up to a sequence."""
        found: list[PlacedChange] = []
        settings = (
            await self._session.execute(
                select(*SETTINGS.c).where(
                    LearningSettingsRow.user_id == user_id,
                    LearningSettingsRow.sequence.between(after.sequence, last),
                )
            )
        ).one_or_none()
        if settings is not None:
            stored = StoredSettings(settings_of(settings._mapping), settings.updated_at, settings.sequence)
            found.append(_placed(settings.sequence, Changed.SETTINGS, user_id, stored))
        for kind, table in ((Changed.CARD, CARDS), (Changed.REVIEW, REVIEWS)):
            query = (
                select(*table.c)
                .where(table.c.user_id == user_id, _beyond(table, kind, after), table.c.sequence <= last)
                .order_by(table.c.sequence, table.c.id)
                .limit(count)
            )
            for row in (await self._session.execute(query)).all():
                found.append(_placed(row.sequence, kind, row.id, _change(kind, row)))
        found.sort(key=lambda each: each.position)
        return [each for each in found if each.position > after][:count]

    async def counts(self, user_id: UserId, sequence: int) -> SanityCounts:
        """What there is."""

        def having(condition: ColumnElement[bool]) -> ColumnElement[int]:
            return func.count().filter(condition)

        cards = (
            await self._session.execute(
                select(
                    func.count(),
                    having(CardRow.state == _NEW),
                    having(CardRow.state.in_(_STEPS)),
                    having(CardRow.state == _REVIEW),
                    having(CardRow.suspended.is_(True)),
                ).where(CardRow.user_id == user_id, CardRow.deleted_at.is_(None))
            )
        ).one()
        reviews = (
            await self._session.execute(
                select(func.count()).where(ReviewRow.user_id == user_id, ReviewRow.undone_at.is_(None))
            )
        ).scalar_one()
        return SanityCounts(*cards, reviews=reviews, sequence=sequence)


_DONE = select(
    func.count(REVIEWS.c.card_id.distinct()).filter(
        and_(REVIEWS.c.state_before == _NEW, REVIEWS.c.kind == ReviewKind.LEARNING.value)
    ),
    func.count(REVIEWS.c.card_id.distinct()).filter(REVIEWS.c.kind == ReviewKind.REVIEW.value),
).where(
    REVIEWS.c.user_id == _USER,
    REVIEWS.c.effective_at >= bindparam("day_start"),
    REVIEWS.c.undone_at.is_(None),
)


@lru_cache(maxsize=_KEPT)
def _learning(wanted: CardFilter) -> Select[Any]:
    return (
        _study(wanted)
        .where(CardRow.state.in_(_STEPS), CardRow.due_at < bindparam("until"))
        .order_by(CardRow.due_at, CardRow.id)
        .limit(_MOST_IN_STEPS)
    )


@lru_cache(maxsize=_KEPT)
def _reviews(wanted: CardFilter) -> Select[Any]:
    return (
        _study(wanted)
        .add_columns(func.count().over().label("in_all"))
        .where(CardRow.state == _REVIEW, CardRow.due_day <= _TODAY)
        .order_by(_forgotten().desc(), CardRow.id)
        .limit(_COUNT)
    )


@lru_cache(maxsize=_KEPT)
def _new(wanted: CardFilter, order: NewCardOrder) -> Select[Any]:
    keys: list[ColumnElement[Any]] = [CARDS.c.new_position, CARDS.c.id]
    if order is NewCardOrder.EASIEST_FIRST:
        keys.insert(0, func.coalesce(SentenceRow.difficulty, _UNRATED))
    return (
        _study(wanted)
        .add_columns(func.count().over().label("in_all"))
        .where(CardRow.state == _NEW)
        .order_by(*keys)
        .limit(_COUNT)
    )


@lru_cache(maxsize=_KEPT)
def _answered(wanted: CardFilter) -> Select[Any]:
    return (
        _study(wanted)
        .where(CardRow.state.in_((*_STEPS, _REVIEW)))
        .order_by(_forgotten().desc(), CardRow.id)
        .limit(_COUNT)
    )


def _study(wanted: CardFilter) -> Select[Any]:
    return (
        select(*CARDS.c)
        .join(SentenceRow, SentenceRow.id == CardRow.sentence_id)
        .where(
            CardRow.user_id == _USER,
            not_(CardRow.suspended),
            CardRow.deleted_at.is_(None),
            or_(CardRow.buried_until_day.is_(None), CardRow.buried_until_day <= _TODAY),
            *may_see(_USER),
            *filter_conditions(wanted),
        )
    )


def _forgotten() -> ColumnElement[Any]:
    """Grows as the chance of remembering falls: days since the answer over stability, or over SM-2's interval."""
    elapsed = cast(_TODAY - CardRow.memory_day, Double)
    reach = func.coalesce(CardRow.stability, func.greatest(cast(CardRow.interval_seconds, Double), 1.0) / 86_400.0)
    return elapsed / reach


def _beyond(table: Table, kind: Changed, after: SyncPosition) -> ColumnElement[bool]:
    """Holds for what comes after a position; where a condition is implied by another one, it is there for the index."""
    sequence: ColumnElement[int] = table.c.sequence
    if kind < after.kind:
        return sequence > after.sequence
    if kind > after.kind:
        return sequence >= after.sequence
    same = and_(sequence == after.sequence, table.c.id > after.id)
    return and_(sequence >= after.sequence, or_(sequence > after.sequence, same))


def _change(kind: Changed, row: Any) -> Change:
    if kind is Changed.REVIEW:
        return review_of(row)
    return card_of(row) if row.deleted_at is None else CardRemoval(row.id, row.deleted_at)


def _placed(sequence: int, kind: Changed, id: str, change: Change) -> PlacedChange:
    return PlacedChange(SyncPosition(sequence, kind, id), change)
