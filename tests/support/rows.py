"""Rows that tests need to be there, written past the repositories."""

import uuid
from datetime import UTC, datetime

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.tables import CardRow, SentenceRow, UserRow

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


async def add_user(
    session: AsyncSession, *, email: str = "mika@example.org", username: str = "mika", created_at: datetime = NOW
) -> str:
    """A student; returns the id."""
    user_id = str(uuid.uuid4())
    await session.execute(
        insert(UserRow).values(
            id=user_id, email=email, username=username, password_hash="x", created_at=created_at, updated_at=created_at
        )
    )
    return user_id


async def add_sentence(
    session: AsyncSession,
    *,
    japanese: str = "学校へ行く。",
    owner_id: str | None = None,
    reading: str = "がっこうへいく。",
) -> str:
    """A sentence, private where it has an owner; returns the id."""
    sentence_id = str(uuid.uuid4())
    await session.execute(
        insert(SentenceRow).values(
            id=sentence_id,
            japanese=japanese,
            english="I go to school.",
            reading=reading,
            source="custom",
            owner_id=owner_id,
            visibility="private" if owner_id else "shared",
            created_at=NOW,
            updated_at=NOW,
        )
    )
    return sentence_id


async def add_card(session: AsyncSession, *, user_id: str, sentence_id: str, skill: str = "reading") -> str:
    """A new card; returns the id."""
    card_id = str(uuid.uuid4())
    await session.execute(
        insert(CardRow).values(
            id=card_id,
            user_id=user_id,
            sentence_id=sentence_id,
            skill=skill,
            new_position=1,
            sequence=1,
            created_at=NOW,
            updated_at=NOW,
        )
    )
    return card_id
