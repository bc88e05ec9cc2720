"""What a practice looks up in other services' tables: its sentence, its card, its learner's day."""

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.tables import CardRow, SentenceRow, UserRow
from server.kernel.identity import Caller, UserId
from server.speech.storage import LearnerDay, PracticeSentence


class PostgresPracticeSentences:
    """The sentences that a caller may practise."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def find_for_practice(self, caller: Caller, sentence_id: str) -> PracticeSentence | None:
        """The sentence; None when there is none that this caller may see."""
        query = select(
            SentenceRow.id,
            SentenceRow.japanese,
            SentenceRow.english,
            SentenceRow.reading,
            SentenceRow.reading_origin,
        ).where(
            SentenceRow.id == sentence_id,
            SentenceRow.deleted_at.is_(None),
            or_(SentenceRow.owner_id.is_(None), SentenceRow.owner_id == caller.user_id),
        )
        found = (await self._session.execute(query)).one_or_none()
        if found is None:
            return None
        key, japanese, english, reading, origin = found
        return PracticeSentence(key, japanese, english, reading or "" if origin == "human" else "")


class PostgresPracticeCards:
    """The learners' cards, as far as a spoken review needs them."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def owns(self, user_id: UserId, card_id: str) -> bool:
        """Whether the card is the user's."""
        query = select(CardRow.id).where(
            CardRow.id == card_id, CardRow.user_id == user_id, CardRow.deleted_at.is_(None)
        )
        return (await self._session.execute(query)).scalar_one_or_none() is not None


class PostgresLearners:
    """What practice needs to know of a learner."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def day_of(self, user_id: UserId) -> LearnerDay:
        """The learner's day."""
        query = select(UserRow.time_zone, UserRow.day_turn_hour).where(UserRow.id == user_id)
        time_zone, turn_hour = (await self._session.execute(query)).one()
        return LearnerDay(time_zone, turn_hour)
