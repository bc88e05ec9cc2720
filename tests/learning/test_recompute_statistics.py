"""The kept figures are those of a replay of the whole log, whatever came in whatever order."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import update

from kaiwa.learning.v1 import learning_service_pb2 as pb
from server.adapters.postgres.tables import DailyStatsRow
from server.config import Settings
from server.learning.recompute_statistics import RecomputeStatistics
from server.rebuild import rebuild_statistics
from tests.support.kernel import NOON
from tests.support.learning import LISTENING, MIKA, OF_MIKA, READING, Study

ZONES = ("UTC", "Asia/Tokyo", "America/New_York", "Europe/Berlin", "Pacific/Auckland")


@pytest.mark.parametrize("seed", range(6))
async def test_any_history_is_kept_as_it_is_recomputed(study: Study, seed: int) -> None:
    dice = Random(seed)
    recompute = RecomputeStatistics(study.unit_of_work, study.clock)
    cards = await study.add_cards(4, (READING, LISTENING))
    # A change of daylight saving in New York and Berlin lies ahead.
    study.clock.advance(timedelta(days=100))
    given: list[str] = []
    for _ in range(40):
        study.clock.advance(timedelta(minutes=dice.choice([1, 20, 45, 400, 3000, 20_000])))
        card = dice.choice(cards)
        match dice.choice(["answer", "answer", "answer", "late", "late", "undo", "filtered", "reset", "move"]):
            case "answer":
                done = await study.submit(study.submission(card.id, dice.choice((1, 2, 3, 4))))  # type: ignore[arg-type]
                given.append(done.review.review_id)
            case "late":
                at = study.clock.now() - timedelta(minutes=dice.randrange(1, 40_000))
                done = await study.submit(study.submission(card.id, dice.choice((1, 3)), at))  # type: ignore[arg-type]
                given.append(done.review.review_id)
            case "filtered":
                await study.submit(study.submission(card.id, dice.choice((1, 3)), filtered=True))  # type: ignore[arg-type]
            case "undo" if given:
                request = pb.UndoReviewRequest(review_id=given.pop(dice.randrange(len(given))))
                await study.stub.UndoReview(request, metadata=OF_MIKA)
            case "reset":
                await study.stub.ResetCards(pb.ResetCardsRequest(card_ids=[card.id]), metadata=OF_MIKA)
            case "move":
                await study.move_to(dice.choice(ZONES), dice.choice([0, 4, 23]))

        assert not await recompute(MIKA)


async def test_figures_that_went_wrong_are_put_right_and_told(study: Study) -> None:
    (card,) = await study.add_cards()
    await study.review(card.id)
    recompute = RecomputeStatistics(study.unit_of_work, study.clock)
    async with study.unit_of_work() as uow:
        right = await uow.statistics.figures(MIKA)
        await uow.session.execute(update(DailyStatsRow).values(studied_ms=1))
        await uow.commit()

    assert await recompute.lately_changed(NOON - timedelta(days=1)) == 1
    assert await recompute.lately_changed(NOON - timedelta(days=1)) == 0
    async with study.unit_of_work() as uow:
        assert await uow.statistics.figures(MIKA) == right


async def test_who_has_not_studied_lately_is_left_alone(study: Study) -> None:
    (card,) = await study.add_cards()
    await study.review(card.id)
    async with study.unit_of_work() as uow:
        await uow.session.execute(update(DailyStatsRow).values(studied_ms=1))
        await uow.commit()

    assert await RecomputeStatistics(study.unit_of_work, study.clock).lately_changed(NOON + timedelta(days=1)) == 0


async def test_all_learners(study: Study) -> None:
    (card,) = await study.add_cards()
    await study.review(card.id)

    found = [each async for each in RecomputeStatistics(study.unit_of_work, study.clock).all()]

    assert found == [(MIKA, False)]


async def test_the_command_mends_every_learner(study: Study, database_url: str, tmp_path: Path) -> None:
    (card,) = await study.add_cards()
    await study.review(card.id)
    async with study.unit_of_work() as uow:
        await uow.session.execute(update(DailyStatsRow).values(studied_ms=1))
        await uow.commit()
    settings = Settings.from_environment({"KAIWA_HOME": str(tmp_path), "KAIWA_DATABASE_URL": database_url})
    said: list[str] = []

    assert [await rebuild_statistics(settings, said.append) for _ in range(2)] == [1, 0]
    assert said == [
        f"{MIKA}: the daily figures were not those of the log, and are now.",
        "Learners looked at: 1; with other figures: 1.",
        "Learners looked at: 1; with other figures: 0.",
    ]
