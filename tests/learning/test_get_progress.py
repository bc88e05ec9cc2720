"""GetProgress tells where the learner stands."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from kaiwa.content.v1 import sentence_pb2
from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import queue_pb2, statistics_pb2
from tests.learning.test_get_daily_stats import TODAY, wire
from tests.support.learning import AGAIN, GOOD, LISTENING, OF_MIKA, READING, Study


async def progress(study: Study, **wanted: object) -> pb.GetProgressResponse:
    return await study.stub.GetProgress(pb.GetProgressRequest(**wanted), metadata=OF_MIKA)  # type: ignore[arg-type]


async def test_a_new_learner(study: Study) -> None:
    found = await progress(study)

    assert found == pb.GetProgressResponse(
        cards=statistics_pb2.CardCounts(),
        streak=statistics_pb2.StudyStreak(),
        today=statistics_pb2.DailyStats(
            day=wire(TODAY),
            ratings=statistics_pb2.RatingCounts(),
            time_studied=Duration(),
            retention=statistics_pb2.Retention(),
        ),
        waiting=queue_pb2.QueueCounts(),
    )


async def test_cards_by_where_they_stand(study: Study) -> None:
    new, learning, young, mature, relearning, suspended = await study.add_cards(6)
    await study.graduate(mature.id)
    await study.graduate(relearning.id)
    study.clock.advance(timedelta(days=60))
    await study.review(mature.id, GOOD)
    await study.review(relearning.id, AGAIN)
    await study.graduate(young.id)
    await study.graduate(suspended.id)
    await study.stub.SuspendCards(pb.SuspendCardsRequest(card_ids=[suspended.id]), metadata=OF_MIKA)
    await study.review(learning.id, AGAIN)
    await study.stub.BuryCards(pb.BuryCardsRequest(card_ids=[new.id]), metadata=OF_MIKA)

    found = await progress(study)

    assert found.cards == statistics_pb2.CardCounts(
        total=6, new_cards=1, learning=1, young=1, mature=1, relearning=1, suspended=1, buried=1
    )
    assert found.sentences_started == 5
    assert (found.today.answers, found.streak.current_days, found.streak.studied_today) == (5, 1, True)
    assert found.waiting == (await study.queue()).counts
    assert found.waiting.later_today + found.waiting.due_learning == 2


async def test_cards_apart(study: Study) -> None:
    easy, hard, unknown = (
        await study.add_sentences(difficulty=2, jlpt_level=5),
        await study.add_sentences(2, difficulty=9, jlpt_level=1),
        await study.add_sentences(),
    )
    await study.stub.AddCards(
        pb.AddCardsRequest(sentence_ids=[*easy, *hard, *unknown], skills=[READING]), metadata=OF_MIKA
    )
    await study.stub.AddCards(pb.AddCardsRequest(sentence_ids=easy, skills=[LISTENING]), metadata=OF_MIKA)

    found = await progress(study)

    assert [(each.skill, each.cards.total) for each in found.skills] == [(READING, 4), (LISTENING, 1)]
    assert [(each.difficulty, each.cards.new_cards) for each in found.difficulties] == [(0, 1), (2, 2), (9, 2)]
    assert [(each.jlpt_level, each.cards.total) for each in found.jlpt_levels] == [
        (sentence_pb2.JLPT_LEVEL_N5, 2),
        (sentence_pb2.JLPT_LEVEL_N1, 2),
        (sentence_pb2.JLPT_LEVEL_UNSPECIFIED, 1),
    ]
    listening = await progress(study, skills=[LISTENING])
    assert (listening.cards.total, [each.skill for each in listening.skills]) == (1, [LISTENING])
    assert listening.waiting.new_cards == 1


async def test_streak_and_today_are_of_all_cards(study: Study) -> None:
    (card,) = await study.add_cards()
    await study.review(card.id)

    found = await progress(study, skills=[LISTENING])

    assert (found.cards.total, found.sentences_started) == (0, 0)
    assert (found.today.answers, found.streak.current_days) == (1, 1)
