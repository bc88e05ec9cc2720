"""The log of reviews and marks, and the order of a learner's changes."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.repositories.card_rows import MARKS, REVIEWS, among, review_columns, review_of
from server.adapters.postgres.tables import AttemptRow, CardMarkRow, ChangeCounterRow, ReviewRow, SentenceRow
from server.kernel.identity import UserId
from server.learning.domain.card import CardId, SentenceId
from server.learning.domain.review import Action, AttemptId, Mark, Rating, Review, ReviewId
from server.learning.ports import SpokenAttempt, StudiedSentence


class PostgresSequences:
    """Counts a learner's changes; whoever counts holds the learner's lock until the transaction ends."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def next(self, user_id: UserId) -> int:
        """The next sequence."""
        counter = upsert(ChangeCounterRow).values(user_id=user_id, last_sequence=1)
        counted = counter.on_conflict_do_update(
            index_elements=[ChangeCounterRow.user_id], set_={"last_sequence": ChangeCounterRow.last_sequence + 1}
        ).returning(ChangeCounterRow.last_sequence)
        return (await self._session.execute(counted)).scalar_one()

    async def last(self, user_id: UserId) -> int:
        """The last sequence given out and committed; 0 when there was none. Whoever counts waits for this one's end."""
        query = select(ChangeCounterRow.last_sequence).where(ChangeCounterRow.user_id == user_id)
        query = query.with_for_update(read=True)
        return (await self._session.execute(query)).scalar_one_or_none() or 0


class PostgresReviewLog:
    """Stores the log. Reviews never change but for being undone, marks never."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, user_id: UserId, review_ids: Collection[ReviewId]) -> Mapping[ReviewId, Review]:
        """Those of the reviews that are the learner's."""
        query = select(*REVIEWS.c).where(ReviewRow.user_id == user_id, among(ReviewRow.id, review_ids))
        found = map(review_of, (await self._session.execute(query)).all())
        return {review.id: review for review in found}

    async def of_cards(self, user_id: UserId, card_ids: Collection[CardId]) -> Sequence[Review]:
        """All reviews of some cards."""
        query = select(*REVIEWS.c).where(ReviewRow.user_id == user_id, among(ReviewRow.card_id, card_ids))
        return [review_of(row) for row in (await self._session.execute(query)).all()]

    async def newest(self, user_id: UserId, card_id: CardId, count: int) -> Sequence[Review]:
        """The newest reviews of a card, the newest first."""
        query = (
            select(*REVIEWS.c)
            .where(ReviewRow.user_id == user_id, ReviewRow.card_id == card_id)
            .order_by(ReviewRow.effective_at.desc(), ReviewRow.client_time.desc(), ReviewRow.id.desc())
            .limit(count)
        )
        return [review_of(row) for row in (await self._session.execute(query)).all()]

    async def latest_answers(self, user_id: UserId, count: int) -> Sequence[ReviewId]:
        """The learner's latest answers that stand and were given here, the latest first."""
        query = (
            select(ReviewRow.id)
            .where(
                ReviewRow.user_id == user_id,
                ReviewRow.undone_at.is_(None),
                ReviewRow.rating.is_not(None),
                ReviewRow.imported.is_(False),
            )
            .order_by(ReviewRow.effective_at.desc(), ReviewRow.client_time.desc(), ReviewRow.id.desc())
            .limit(count)
        )
        return [ReviewId(each) for each in (await self._session.execute(query)).scalars()]

    async def marks_of(self, user_id: UserId, card_ids: Collection[CardId]) -> Sequence[Mark]:
        """All marks of some cards."""
        query = select(*MARKS.c).where(CardMarkRow.user_id == user_id, among(CardMarkRow.card_id, card_ids))
        return [_mark_of(row) for row in (await self._session.execute(query)).all()]

    async def add(self, user_id: UserId, reviews: Sequence[Review], marks: Sequence[Mark]) -> None:
        """Puts entries into the log."""
        if reviews:
            rows = [review_columns(user_id, review) for review in reviews]
            await self._session.execute(insert(REVIEWS), rows if len(rows) > 1 else rows[0])
        if marks:
            await self._session.execute(insert(MARKS), [_mark_columns(user_id, mark) for mark in marks])

    async def undo(self, user_id: UserId, review_id: ReviewId, at: datetime, sequence: int) -> None:
        """Marks a review as taken back."""
        await self._session.execute(
            update(REVIEWS)
            .where(ReviewRow.user_id == user_id, ReviewRow.id == review_id)
            .values(undone_at=at, sequence=sequence)
        )


class PostgresStudiedSentences:
    """The sentences of cards."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, user_id: UserId, sentence_ids: Collection[SentenceId]) -> Sequence[StudiedSentence]:
        """Those of the sentences that the learner may see."""
        query = select(SentenceRow.id, SentenceRow.active).where(among(SentenceRow.id, sentence_ids), *may_see(user_id))
        return [
            StudiedSentence(SentenceId(found), active) for found, active in (await self._session.execute(query)).all()
        ]


class PostgresSpokenAttempts:
    """The attempts that suggest ratings."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find(self, user_id: UserId, attempt_ids: Collection[AttemptId]) -> Mapping[AttemptId, SpokenAttempt]:
        """Those of the attempts that the learner has or had."""
        query = select(
            AttemptRow.id,
            AttemptRow.card_id,
            AttemptRow.sentence_id,
            AttemptRow.deleted_at,
            AttemptRow.suggested_rating,
        ).where(AttemptRow.user_id == user_id, among(AttemptRow.id, attempt_ids))
        return {
            AttemptId(found): SpokenAttempt(
                AttemptId(found),
                None if card_id is None else CardId(card_id),
                None if sentence_id is None else SentenceId(sentence_id),
                deleted_at is not None,
                None if rating is None else Rating(rating),
            )
            for found, card_id, sentence_id, deleted_at, rating in (await self._session.execute(query)).all()
        }


def may_see(user_id: UserId | ColumnElement[str]) -> tuple[ColumnElement[bool], ...]:
    """Holds for the sentences that a learner may see."""
    return (
        SentenceRow.deleted_at.is_(None),
        SentenceRow.owner_id.is_(None) | (SentenceRow.owner_id == user_id),
    )


def _mark_of(row: Row[Any]) -> Mark:
    return Mark(
        id=row.id,
        card_id=CardId(row.card_id),
        action=Action(row.action),
        client_time=row.client_time,
        effective_at=row.effective_at,
        received_at=row.received_at,
        until_day=row.until_day,
    )


def _mark_columns(user_id: UserId, mark: Mark) -> dict[str, object]:
    return {
        "user_id": user_id,
        "id": mark.id,
        "card_id": mark.card_id,
        "action": mark.action.value,
        "client_time": mark.client_time,
        "effective_at": mark.effective_at,
        "received_at": mark.received_at,
        "until_day": mark.until_day,
    }
