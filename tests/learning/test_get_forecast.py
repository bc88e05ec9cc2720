"""GetForecast tells what becomes due."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import queue_pb2, settings_pb2
from server.adapters.postgres.tables import SentenceRow
from tests.learning.test_get_daily_stats import TODAY, wire
from tests.support.learning import AGAIN, EASY, GOOD, LISTENING, OF_MIKA, READING, Study


async def forecast(study: Study, **wanted: object) -> pb.GetForecastResponse:
    return await study.stub.GetForecast(pb.GetForecastRequest(**wanted), metadata=OF_MIKA)  # type: ignore[arg-type]


async def test_a_new_learner_has_thirty_free_days_and_no_pace(study: Study) -> None:
    await study.add_cards(3)

    found = await forecast(study)

    assert [day.day for day in found.days] == [wire(TODAY + timedelta(days=ahead)) for ahead in range(30)]
    assert {(day.young, day.mature, day.learning, day.HasField("expected_time")) for day in found.days} == {
        (0, 0, 0, False)
    }
    assert found.overdue == 0


async def test_cards_wait_for_their_days(study: Study) -> None:
    step, graduated = await study.add_cards(2)
    await study.review(step.id, AGAIN)
    due = (await study.graduate(graduated.id)).due_day

    found = await forecast(study, days=60)

    assert (found.days[0].learning, found.days[0].young) == (1, 0)
    assert found.days[0].expected_time.seconds == 5
    assert [day.day for day in found.days if day.young] == [due]
    assert sum(day.young + day.mature for day in found.days) == 1


async def test_today_has_what_is_overdue(study: Study) -> None:
    step, young, mature = await study.add_cards(3)
    await study.graduate(mature.id)
    study.clock.advance(timedelta(days=60))
    await study.review(mature.id, EASY)
    await study.graduate(young.id)
    await study.review(step.id, AGAIN)
    study.clock.advance(timedelta(days=2000))

    found = await forecast(study, days=1)

    (today,) = found.days
    assert (today.young, today.mature, today.learning, found.overdue) == (1, 1, 1, 2)
    # The pace is that of the last 30 days.
    assert not today.HasField("expected_time")


async def test_suspended_and_buried_cards_and_lost_sentences(study: Study) -> None:
    suspended, buried, lost = await study.add_cards(3)
    for card in (suspended, buried, lost):
        await study.graduate(card.id)
    study.clock.advance(timedelta(days=100))
    today = study.clock.now().date()
    await study.stub.SuspendCards(pb.SuspendCardsRequest(card_ids=[suspended.id]), metadata=OF_MIKA)
    until = today + timedelta(days=3)
    await study.stub.BuryCards(pb.BuryCardsRequest(card_ids=[buried.id], until_day=wire(until)), metadata=OF_MIKA)
    async with study.unit_of_work() as uow:
        gone = update(SentenceRow).where(SentenceRow.id == lost.sentence_id).values(deleted_at=study.clock.now())
        await uow.session.execute(gone)
        await uow.commit()

    found = await forecast(study, days=10)

    assert [(day.day, day.young) for day in found.days if day.young] == [(wire(until), 1)]


async def test_cards_can_be_chosen(study: Study) -> None:
    (sentence,) = await study.add_sentences(tags=["verbs"], difficulty=3, jlpt_level=5)
    added = await study.stub.AddCards(
        pb.AddCardsRequest(sentence_ids=[sentence], skills=[READING, LISTENING]), metadata=OF_MIKA
    )
    for card in added.cards:
        await study.graduate(card.id)

    async def count(filter: queue_pb2.CardFilter) -> int:
        return sum(day.young for day in (await forecast(study, days=365, filter=filter)).days)

    assert await count(queue_pb2.CardFilter()) == 2
    assert await count(queue_pb2.CardFilter(skills=[READING])) == 1
    assert await count(queue_pb2.CardFilter(tags=["verbs"], min_difficulty=3, max_difficulty=3)) == 2
    assert await count(queue_pb2.CardFilter(tags=["nouns"])) == 0


async def test_a_vacation_has_nothing(study: Study) -> None:
    (card,) = await study.add_cards()
    await study.review(card.id, GOOD)
    last = TODAY + timedelta(days=2)
    await study.set(vacation=settings_pb2.Vacation(first_day=wire(TODAY), last_day=wire(last)))

    found = await forecast(study, days=5)

    assert [day.learning for day in found.days] == [0, 0, 0, 1, 0]
