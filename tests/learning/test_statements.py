"""How many statements the two calls that everyone makes all day cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.support.learning import LISTENING, READING, Study


@asynccontextmanager
async def statements(engine: AsyncEngine) -> AsyncIterator[list[str]]:
    """What is sent to the database within the block."""
    sent: list[str] = []

    def keep(connection: object, cursor: object, statement: str, *more: object) -> None:
        sent.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", keep)
    try:
        yield sent
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", keep)


async def test_a_review_takes_few_statements(study: Study, engine: AsyncEngine) -> None:
    reading, _ = await study.add_cards(skills=(READING, LISTENING))
    await study.graduate(reading.id)
    study.clock.advance(timedelta(days=9))
    async with statements(engine) as sent:
        await study.review(reading.id)
    # The lock, the repeat, the cards of the sentence, the settings; the card, the review, the day's figures.
    assert len(sent) == 7


async def test_a_queue_takes_few_statements(study: Study, engine: AsyncEngine) -> None:
    cards = await study.add_cards(5)
    for card in cards[:3]:
        await study.graduate(card.id)
    study.clock.advance(timedelta(days=20))
    async with statements(engine) as sent:
        await study.queue()
    # The settings, what is done today, cards in steps, due ones, new ones; the sentences and their audio.
    assert len(sent) == 7
