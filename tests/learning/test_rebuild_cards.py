"""Cards can be made anew from nothing but their log."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from server.__main__ import main
from server.learning.rebuild_cards import Rebuilt
from server.rebuild import rebuild_cards
from tests.support.learning import AGAIN, EASY, GOOD, LISTENING, READING, Study


async def test_random_histories_rebuild_to_what_they_were(study: Study, database_url: str) -> None:
    cards = await study.add_cards(6, skills=(READING, LISTENING))
    for step in range(40):
        study.clock.advance(timedelta(hours=study.dice.randrange(1, 90)))
        await study.review(study.dice.choice(cards).id, study.dice.choice((AGAIN, GOOD, GOOD, EASY)))
        if step == 15:
            await study.set(scheduler=2)
        if step == 25:
            await study.move_to("America/New_York")
        if step == 30:
            await study.set(scheduler=1, desired_retention=0.8)
    before = await study.state()
    assert await rebuild_cards(database_url, check=True) == Rebuilt(learners=1, cards=12, differing=0)
    async with study.unit_of_work() as uow:
        await uow.session.execute(
            text(
                "UPDATE cards SET state = 'new', due_at = NULL, due_day = NULL, base_due_day = NULL, memory_day = NULL,"
                " stability = NULL, difficulty = NULL, step = NULL, interval_seconds = NULL, reps = 0, lapses = 0,"
                " times_correct = 0, times_incorrect = 0, current_streak = 0, best_streak = 0, timed_answers = 0,"
                " total_response_ms = 0, last_review_at = NULL, last_answer_day = NULL, last_event_at = NULL,"
                " buried_until_day = NULL"
            )
        )
        await uow.commit()
    broken = await rebuild_cards(database_url, check=True)
    assert broken.differing > 0
    assert await study.state() != before

    assert await rebuild_cards(database_url, check=False) == broken

    assert await study.state() == before
    assert (await rebuild_cards(database_url, check=False)).differing == 0


async def test_the_command_says_what_it_found(
    study: Study, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KAIWA_HOME", str(tmp_path))
    monkeypatch.setenv("KAIWA_DATABASE_URL", database_url)
    (card,) = await study.add_cards()
    await study.graduate(card.id)
    assert await asyncio.to_thread(main, ["rebuild-cards", "--check"]) == 0
    assert capsys.readouterr().out.endswith("1 cards of 1 learners, 0 were not what their log says.\n")
    async with study.unit_of_work() as uow:
        await uow.session.execute(text("UPDATE cards SET reps = 7"))
        await uow.commit()
    assert await asyncio.to_thread(main, ["rebuild-cards", "--check"]) == 1
    assert "1 were not what their log says" in capsys.readouterr().err
    assert await asyncio.to_thread(main, ["rebuild-cards"]) == 0
    assert (await study.card(card.id)).repetitions == 1
