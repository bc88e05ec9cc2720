"""Cards."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, insert, not_, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.repositories.card_rows import (
    CARDS,
    among,
    card_columns,
    card_of,
    instant,
    progress_columns,
)
from server.adapters.postgres.tables import CardRow, SentenceRow, UserRow
from server.kernel.identity import UserId
from server.kernel.paging import Page, PageRequest
from server.learning.domain.card import MATURE_DAYS, Card, CardId, SentenceId, State
from server.learning.domain.selection import CardFilter, CardSelection, Suspended

_DAY_SECONDS = 86_400


class PostgresCards:
    """Stores cards; those that are gone are never found."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def get_many(self, user_id: UserId, card_ids: Collection[CardId]) -> Sequence[Card]:
        """Those of the cards that are the learner's."""
        return await self._load(_theirs(user_id).where(among(CardRow.id, card_ids)))

    async def with_siblings(self, user_id: UserId, card_ids: Collection[CardId]) -> Sequence[Card]:
        """Those of the cards that are the learner's, and all cards of their sentences."""
        sentences = (
            select(CardRow.sentence_id)
            .where(among(CardRow.id, card_ids), CardRow.user_id == user_id, CardRow.deleted_at.is_(None))
            .scalar_subquery()
        )
        return await self._load(_theirs(user_id).where(CardRow.sentence_id.in_(sentences)))

    async def of_sentences(self, user_id: UserId, sentence_ids: Collection[SentenceId]) -> Sequence[Card]:
        """The learner's cards of some sentences, the oldest first."""
        return await self._load(
            _theirs(user_id)
            .where(among(CardRow.sentence_id, sentence_ids))
            .order_by(CardRow.created_at, CardRow.new_position, CardRow.id)
        )

    async def sentences_after(self, user_id: UserId, after: SentenceId | None, count: int) -> Sequence[SentenceId]:
        """The first sentences after one that the learner has cards of."""
        query = (
            select(CardRow.sentence_id)
            .distinct()
            .where(CardRow.user_id == user_id, CardRow.deleted_at.is_(None))
            .order_by(CardRow.sentence_id)
            .limit(count)
        )
        if after is not None:
            query = query.where(CardRow.sentence_id > after)
        return [SentenceId(each) for each in (await self._session.execute(query)).scalars()]

    async def learners_after(self, after: UserId | None, count: int) -> Sequence[UserId]:
        """The first learners after one who have cards."""
        has_cards = select(CardRow.id).where(CardRow.user_id == UserRow.id).exists()
        query = select(UserRow.id).where(has_cards).order_by(UserRow.id).limit(count)
        if after is not None:
            query = query.where(UserRow.id > after)
        return [UserId(each) for each in (await self._session.execute(query)).scalars()]

    async def find(self, user_id: UserId, selection: CardSelection, page: PageRequest) -> Page[Card]:
        """A page of cards in the order in which they were added."""
        query = _theirs(user_id).where(*conditions(selection))
        if selection.filter.of_sentence:
            query = query.join(SentenceRow, SentenceRow.id == CardRow.sentence_id)
        if page.after is not None:
            created, card_id = page.after
            query = query.where(tuple_(CardRow.created_at, CardRow.id) > (datetime.fromisoformat(created), card_id))
        found = await self._load(query.order_by(CardRow.created_at, CardRow.id).limit(page.size + 1))
        shown = found[: page.size]
        more = len(found) > page.size
        return Page(tuple(shown), (instant(shown[-1].created_at), shown[-1].id) if more else None)

    async def last_new_position(self, user_id: UserId) -> int:
        """The greatest place in the order of new cards; 0 when there is none."""
        query = select(func.max(CardRow.new_position)).where(CardRow.user_id == user_id)
        return (await self._session.execute(query)).scalar_one() or 0

    async def add(self, user_id: UserId, cards: Sequence[Card]) -> None:
        """Stores new cards."""
        if cards:
            await self._session.execute(insert(CARDS), [card_columns(user_id, card) for card in cards])

    async def save(self, user_id: UserId, cards: Sequence[Card]) -> None:
        """Stores the progress, the time and the sequence of cards that changed."""
        if not cards:
            return
        rows = [{"card_id": card.id, "owner_id": user_id, **progress_columns(card)} for card in cards]
        await self._session.execute(_SAVE, rows if len(rows) > 1 else rows[0])

    async def _load(self, query: Select[Any]) -> list[Card]:
        return [card_of(row) for row in (await self._session.execute(query)).all()]


_SAVED = (
    "scheduler",
    "state",
    "step",
    "due_at",
    "due_day",
    "base_due_day",
    "interval_seconds",
    "memory_day",
    "stability",
    "difficulty",
    "ease_factor",
    "reps",
    "lapses",
    "times_correct",
    "times_incorrect",
    "current_streak",
    "best_streak",
    "timed_answers",
    "total_response_ms",
    "leech",
    "suspended",
    "buried_until_day",
    "last_review_at",
    "last_answer_day",
    "last_event_at",
    "sequence",
    "updated_at",
)
_SAVE = (
    update(CARDS)
    .where(CARDS.c.id == bindparam("card_id"), CARDS.c.user_id == bindparam("owner_id"))
    .values({name: bindparam(name) for name in _SAVED})
)


def conditions(selection: CardSelection) -> Sequence[ColumnElement[bool]]:
    """The filters of a list; those of the sentence need it joined."""
    found = [*filter_conditions(selection.filter)]
    if selection.states:
        found.append(or_(*(_in_state(state) for state in selection.states)))
    if selection.sentence_ids:
        found.append(among(CardRow.sentence_id, selection.sentence_ids))
    if selection.mature is not None:
        mature = and_(CardRow.state == State.REVIEW.value, CardRow.interval_seconds >= MATURE_DAYS * _DAY_SECONDS)
        found.append(mature if selection.mature else not_(func.coalesce(mature, False)))
    if selection.leech is not None:
        found.append(CardRow.leech.is_(selection.leech))
    if selection.buried is not None:
        buried = func.coalesce(CardRow.buried_until_day > selection.today, False)
        found.append(buried if selection.buried else not_(buried))
    if selection.due_before is not None:
        found.append(
            or_(
                and_(CardRow.state.in_(_STEPS), CardRow.due_at < selection.due_before),
                and_(CardRow.state == State.REVIEW.value, CardRow.due_day <= selection.due_day_before),
            )
        )
    return found


def filter_conditions(wanted: CardFilter) -> Sequence[ColumnElement[bool]]:
    """What a filter asks; what it asks of the sentence needs it joined."""
    found: list[ColumnElement[bool]] = []
    if wanted.skills:
        found.append(CardRow.skill.in_([skill.value for skill in wanted.skills]))
    if wanted.tags:
        found.append(SentenceRow.tags.overlap(list(wanted.tags)))
    if wanted.min_difficulty is not None:
        found.append(SentenceRow.difficulty >= wanted.min_difficulty)
    if wanted.max_difficulty is not None:
        found.append(SentenceRow.difficulty <= wanted.max_difficulty)
    if wanted.jlpt_levels:
        found.append(SentenceRow.jlpt_level.in_(list(wanted.jlpt_levels)))
    if wanted.sources:
        found.append(SentenceRow.source.in_(list(wanted.sources)))
    return found


_STEPS = (State.LEARNING.value, State.RELEARNING.value)


def _in_state(state: State | Suspended) -> ColumnElement[bool]:
    if isinstance(state, Suspended):
        return CardRow.suspended.is_(True)
    return and_(CardRow.state == state.value, CardRow.suspended.is_(False))


def _theirs(user_id: UserId) -> Select[Any]:
    return select(*CARDS.c).where(CardRow.user_id == user_id, CardRow.deleted_at.is_(None))
