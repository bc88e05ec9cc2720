"""The learners' daily figures, and what else statistics count."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    Date,
    Integer,
    case,
    delete,
    exists,
    func,
    insert,
    select,
    text,
    union_all,
)
from sqlalchemy import bindparam as bound
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.repositories.cards import filter_conditions
from server.adapters.postgres.repositories.review_log import may_see
from server.adapters.postgres.tables import (
    AttemptRow,
    CardRow,
    DailyStatsRow,
    ReviewRow,
    SentenceRow,
    SpeakingSessionRow,
    UserRow,
)
from server.kernel.identity import UserId
from server.learning.domain.card import MATURE_DAYS, Memory, Skill, State
from server.learning.domain.day_of_study import SESSION_GAP, Spoken
from server.learning.domain.figures import COUNTS, ROWS, DayAndSkill, Figures, difference
from server.learning.domain.progress import CardGroup, DueGroup
from server.learning.domain.review import AnswerEffect, Rating, ReviewKind
from server.learning.domain.selection import CardFilter
from server.learning.domain.simulation import AnswerCount, KnownCard
from server.learning.domain.training import LoggedReview

_KEY = "user_id = :user_id AND day = :day AND skill = :skill"


def _sum_of_rows(name: str, other: str) -> str:
    added = f"unnest(d.{name}, {other}) WITH ORDINALITY AS pair (mine, its, place)"
    return f"{name} = (SELECT array_agg(mine + its ORDER BY place) FROM {added})"  # noqa: S608


_TYPED: tuple[BindParameter[Any], ...] = (
    bound("day", type_=Date()),
    *(bound(name, type_=ARRAY(Integer)) for name in ROWS),
)
_ADD = text(
    f"INSERT INTO daily_stats AS d (user_id, day, skill, {', '.join((*COUNTS, *ROWS))}, updated_at) "  # noqa: S608
    f"VALUES (:user_id, :day, :skill, {', '.join(f':{name}' for name in (*COUNTS, *ROWS))}, :now) "
    "ON CONFLICT (user_id, day, skill) DO UPDATE SET "
    + ", ".join(
        (
            *(f"{name} = d.{name} + excluded.{name}" for name in COUNTS),
            *(_sum_of_rows(name, f"excluded.{name}") for name in ROWS),
            "updated_at = excluded.updated_at",
        )
    )
).bindparams(*_TYPED)
# What a row may not hold it may not be inserted with either, not even to be added to another.
_TAKE = text(
    "UPDATE daily_stats AS d SET "  # noqa: S608
    + ", ".join(
        (
            *(f"{name} = d.{name} + :{name}" for name in COUNTS),
            *(_sum_of_rows(name, f"CAST(:{name} AS INTEGER[])") for name in ROWS),
            "updated_at = :now",
        )
    )
    + f" WHERE {_KEY}"
).bindparams(*_TYPED)
_FORGET = text(f"DELETE FROM daily_stats WHERE {_KEY} AND 0 = ALL (buttons)").bindparams(  # noqa: S608
    bound("day", type_=Date())
)


class PostgresStatistics:
    """Keeps and reads figures."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def apply(
        self, user_id: UserId, removed: Sequence[AnswerEffect], added: Sequence[AnswerEffect], now: datetime
    ) -> None:
        """Takes effects out of the figures and puts others in; see `StatisticsKeeper`."""
        for (day, skill), change in sorted(difference(removed, added).items()):
            key = {"user_id": user_id, "day": day, "skill": skill.value}
            values = {**key, **_values(change), "now": now}
            if not change.shrinks:
                await self._session.execute(_ADD, values)
                continue
            taken = await self._session.execute(_TAKE, values)
            if taken.rowcount != 1:  # type: ignore[attr-defined]
                raise RuntimeError(f"there are no figures of {day} to take answers out of")
            await self._session.execute(_FORGET, key)

    async def replace(self, user_id: UserId, figures: Mapping[DayAndSkill, Figures], now: datetime) -> None:
        """Puts figures in the place of all that are kept of a learner."""
        await self._session.execute(delete(DailyStatsRow).where(DailyStatsRow.user_id == user_id))
        rows = [
            {"user_id": user_id, "day": day, "skill": skill.value, **_values(each), "updated_at": now}
            for (day, skill), each in figures.items()
        ]
        if rows:
            await self._session.execute(insert(DailyStatsRow), rows)

    async def figures(
        self,
        user_id: UserId,
        first: date | None = None,
        last: date | None = None,
        skills: Collection[Skill] = (),
    ) -> Mapping[DayAndSkill, Figures]:
        """The figures of a range of days, both ends inclusive; None: without an end. No skills: all."""
        columns = [getattr(DailyStatsRow, name) for name in (*COUNTS, *ROWS)]
        query = (
            select(DailyStatsRow.day, DailyStatsRow.skill, *columns)
            .where(DailyStatsRow.user_id == user_id)
            .order_by(DailyStatsRow.day, DailyStatsRow.skill)
        )
        if first is not None:
            query = query.where(DailyStatsRow.day >= first)
        if last is not None:
            query = query.where(DailyStatsRow.day <= last)
        if skills:
            query = query.where(DailyStatsRow.skill.in_([skill.value for skill in skills]))
        counts = len(COUNTS)
        return {
            (day, Skill(skill)): Figures(*values[:counts], *map(tuple, values[counts:]))
            for day, skill, *values in await self._session.execute(query)
        }

    async def study_days(self, user_id: UserId) -> Sequence[date]:
        """All days with an answer, ascending."""
        query = select(DailyStatsRow.day).where(DailyStatsRow.user_id == user_id).distinct().order_by(DailyStatsRow.day)
        return (await self._session.execute(query)).scalars().all()

    async def sessions(
        self, user_id: UserId, since: datetime, until: datetime, skills: Collection[Skill] = ()
    ) -> tuple[Sequence[datetime], datetime | None]:
        """The study sessions that began in a stretch of time: when, ascending, and its latest answer.

        Args:
            since, until: from the one on, before the other.
            skills: answers to cards of other skills are passed over; none named: none are.
        """
        answered = select(
            ReviewRow.effective_at.label("at"),
            func.lag(ReviewRow.effective_at).over(order_by=ReviewRow.effective_at).label("before"),
        ).where(
            ReviewRow.user_id == user_id,
            *_is_answer(),
            ReviewRow.effective_at >= since - SESSION_GAP,
            ReviewRow.effective_at < until,
        )
        if skills:
            answered = answered.join(CardRow, CardRow.id == ReviewRow.card_id).where(
                CardRow.skill.in_([skill.value for skill in skills])
            )
        each = answered.subquery()
        begins = each.c.before.is_(None) | (each.c.at - each.c.before > SESSION_GAP)
        last = func.max(each.c.at).over()
        marked = select(each.c.at, begins.label("begins"), last.label("last")).subquery()
        query = select(marked.c.at, marked.c.last).where(marked.c.begins, marked.c.at >= since).order_by(marked.c.at)
        rows = (await self._session.execute(query)).all()
        return [at for at, _ in rows], rows[-1][1] if rows else None

    async def spoken(self, user_id: UserId, since: datetime, until: datetime) -> Sequence[Spoken]:
        """The speaking sessions that began, and the scores of the attempts that were made, in a stretch of time."""
        sessions = select(SpeakingSessionRow.started_at, text("NULL::double precision")).where(
            SpeakingSessionRow.user_id == user_id,
            SpeakingSessionRow.started_at >= since,
            SpeakingSessionRow.started_at < until,
        )
        attempts = select(AttemptRow.created_at, AttemptRow.overall).where(
            AttemptRow.user_id == user_id,
            AttemptRow.created_at >= since,
            AttemptRow.created_at < until,
            AttemptRow.overall.is_not(None),
            AttemptRow.deleted_at.is_(None),
        )
        return [Spoken(at, score) for at, score in await self._session.execute(union_all(sessions, attempts))]

    async def card_groups(self, user_id: UserId, today: date, skills: Collection[Skill] = ()) -> Sequence[CardGroup]:
        """The learner's cards, counted by where they stand and what their sentence is. No skills: all."""
        buried = func.coalesce(CardRow.buried_until_day > today, False)
        keys = (
            CardRow.skill,
            CardRow.state,
            func.coalesce(_mature(), False),
            CardRow.suspended,
            SentenceRow.difficulty,
            SentenceRow.jlpt_level,
        )
        query = (
            select(
                *keys,
                func.count(),
                func.count().filter(buried),
                func.count().filter(CardRow.leech),
            )
            .join(SentenceRow, SentenceRow.id == CardRow.sentence_id)
            .where(CardRow.user_id == user_id, CardRow.deleted_at.is_(None))
            .group_by(*keys)
        )
        if skills:
            query = query.where(CardRow.skill.in_([skill.value for skill in skills]))
        return [
            CardGroup(Skill(skill), State(state), mature, suspended, difficulty or 0, level, count, buried, leeches)
            for skill, state, mature, suspended, difficulty, level, count, buried, leeches in (
                await self._session.execute(query)
            )
        ]

    async def sentences_started(self, user_id: UserId, skills: Collection[Skill] = ()) -> int:
        """Different sentences with a card that is not new. No skills: of any."""
        query = select(func.count(CardRow.sentence_id.distinct())).where(
            CardRow.user_id == user_id, CardRow.deleted_at.is_(None), CardRow.state != State.NEW.value
        )
        if skills:
            query = query.where(CardRow.skill.in_([skill.value for skill in skills]))
        return (await self._session.execute(query)).scalar_one()

    async def due_groups(self, user_id: UserId, filter: CardFilter, today: date) -> Sequence[DueGroup]:
        """Cards that are neither new nor suspended, of sentences that the learner may see, by when they are due."""
        buried = case((CardRow.buried_until_day > today, CardRow.buried_until_day))
        keys = (CardRow.state, func.coalesce(_mature(), False), CardRow.due_day, CardRow.due_at, buried)
        query = (
            select(*keys, func.count())
            .join(SentenceRow, SentenceRow.id == CardRow.sentence_id)
            .where(
                CardRow.user_id == user_id,
                CardRow.state != State.NEW.value,
                CardRow.suspended.is_(False),
                CardRow.deleted_at.is_(None),
                *may_see(user_id),
                *filter_conditions(filter),
            )
            .group_by(*keys)
        )
        return [
            DueGroup(State(state), mature, due_day, due_at, buried_until, count)
            for state, mature, due_day, due_at, buried_until, count in await self._session.execute(query)
        ]

    async def known_cards(self, user_id: UserId) -> Sequence[KnownCard]:
        """The learner's cards that are not suspended, in a fixed order."""
        query = (
            select(
                CardRow.stability,
                CardRow.difficulty,
                CardRow.ease_factor,
                func.coalesce(CardRow.interval_seconds, 0),
                CardRow.memory_day,
                CardRow.due_day,
            )
            .where(CardRow.user_id == user_id, CardRow.suspended.is_(False), CardRow.deleted_at.is_(None))
            .order_by(CardRow.id)
        )
        return [
            KnownCard(Memory(stability, difficulty, ease), seconds / 86_400, memory_day, due_day)
            for stability, difficulty, ease, seconds, memory_day, due_day in await self._session.execute(query)
        ]

    async def logged_reviews(self, user_id: UserId, limit: int | None = None) -> Sequence[LoggedReview]:
        """The standing entries of the learner's log, in its order: the oldest `limit`; None: all."""
        query = (
            select(ReviewRow.card_id, ReviewRow.kind, ReviewRow.rating, ReviewRow.effective_at)
            .where(ReviewRow.user_id == user_id, ReviewRow.undone_at.is_(None))
            .order_by(ReviewRow.effective_at, ReviewRow.client_time, ReviewRow.id)
            .limit(limit)
        )
        return [
            LoggedReview(card_id, ReviewKind(kind), None if rating is None else Rating(rating), at)
            for card_id, kind, rating, at in await self._session.execute(query)
        ]

    async def answer_counts(self, user_id: UserId) -> Sequence[AnswerCount]:
        """The learner's answers counted by sort, practice without rescheduling left out."""
        first = ReviewRow.state_before == State.NEW.value
        query = (
            select(
                ReviewRow.kind,
                first,
                ReviewRow.rating,
                func.count(),
                func.count(ReviewRow.time_taken_ms),
                func.coalesce(func.sum(ReviewRow.time_taken_ms), 0),
            )
            .where(ReviewRow.user_id == user_id, *_is_answer(), ReviewRow.kind != ReviewKind.FILTERED.value)
            .group_by(ReviewRow.kind, first, ReviewRow.rating)
        )
        return [
            AnswerCount(ReviewKind(kind), new, Rating(rating), count, timed, int(milliseconds or 0) / 1000)
            for kind, new, rating, count, timed, milliseconds in await self._session.execute(query)
            if rating is not None
        ]

    async def learners_changed_since(self, since: datetime, limit: int) -> Sequence[UserId]:
        """Learners whose figures changed since a time, the latest first."""
        query = (
            select(DailyStatsRow.user_id)
            .where(DailyStatsRow.updated_at >= since)
            .group_by(DailyStatsRow.user_id)
            .order_by(func.max(DailyStatsRow.updated_at).desc())
            .limit(limit)
        )
        return [UserId(user_id) for user_id in (await self._session.execute(query)).scalars()]

    async def learners(self, after: UserId | None, limit: int) -> Sequence[UserId]:
        """The first learners after one, in the order of their ids, who have a card."""
        has_card = exists().where(CardRow.user_id == UserRow.id)
        query = select(UserRow.id).where(has_card).order_by(UserRow.id).limit(limit)
        if after is not None:
            query = query.where(UserRow.id > after)
        return [UserId(user_id) for user_id in (await self._session.execute(query)).scalars()]


def _mature() -> ColumnElement[bool]:
    return (CardRow.state == State.REVIEW.value) & (CardRow.interval_seconds >= MATURE_DAYS * 86_400)


def _is_answer() -> tuple[ColumnElement[bool], ...]:
    return ReviewRow.undone_at.is_(None), ReviewRow.rating.is_not(None)


def _values(figures: Figures) -> dict[str, Any]:
    return {
        **{name: getattr(figures, name) for name in COUNTS},
        **{name: list(getattr(figures, name)) for name in ROWS},
    }
