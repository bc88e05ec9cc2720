"""ListCards pages through cards by filters."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from google.type.date_pb2 import Date

from kaiwa.content.v1 import sentence_pb2
from kaiwa.learning.v1 import card_pb2, queue_pb2
from kaiwa.learning.v1 import learning_service_pb2 as pb
from tests.support.kernel import NOON
from tests.support.learning import LISTENING, OF_MIKA, READING, Study, refused, stamp
from tests.support.rpc import failure_of


async def listed(study: Study, **wanted: object) -> list[str]:
    answer = await study.stub.ListCards(pb.ListCardsRequest(**wanted), metadata=OF_MIKA)  # type: ignore[arg-type]
    return [card.id for card in answer.cards]


async def test_pages_hold_each_card_once_in_the_order_of_adding(study: Study) -> None:
    added = []
    for _ in range(3):
        study.clock.advance(timedelta(seconds=1))
        added += [card.id for card in await study.add_cards(2)]
    seen, token = [], ""
    for _ in range(3):
        page = await study.stub.ListCards(pb.ListCardsRequest(page_size=2, page_token=token), metadata=OF_MIKA)
        seen += [card.id for card in page.cards]
        token = page.next_page_token
    assert token == ""
    assert [set(seen[at : at + 2]) for at in (0, 2, 4)] == [set(added[at : at + 2]) for at in (0, 2, 4)]


async def test_filters_hold_together(study: Study) -> None:
    easy = await study.add_cards(skills=(READING, LISTENING), difficulty=1, jlpt_level=5, tags=["food"])
    hard = await study.add_cards(difficulty=9, source="tatoeba", tags=["work"])
    await study.graduate(hard[0].id)

    assert await listed(study, filter=queue_pb2.CardFilter(tags=["food", "work"], skills=[READING])) == [
        easy[0].id,
        hard[0].id,
    ]
    assert await listed(study, filter=queue_pb2.CardFilter(min_difficulty=2)) == [hard[0].id]
    assert await listed(study, filter=queue_pb2.CardFilter(max_difficulty=2, skills=[LISTENING])) == [easy[1].id]
    levels = queue_pb2.CardFilter(jlpt_levels=[sentence_pb2.JLPT_LEVEL_N5], skills=[READING])
    assert await listed(study, filter=levels) == [easy[0].id]
    sources = queue_pb2.CardFilter(sources=[sentence_pb2.SENTENCE_SOURCE_TATOEBA])
    assert await listed(study, filter=sources) == [hard[0].id]
    assert await listed(study, states=[card_pb2.CARD_STATE_REVIEW]) == [hard[0].id]
    assert set(await listed(study, sentence_ids=[easy[0].sentence_id])) == {card.id for card in easy}


async def test_states_maturity_burial_and_due_times(study: Study) -> None:
    review, new, learning = (card.id for card in await study.add_cards(3))
    await study.graduate(review)
    await study.review(learning)
    await study.stub.SuspendCards(pb.SuspendCardsRequest(card_ids=[new]), metadata=OF_MIKA)
    await study.stub.BuryCards(
        pb.BuryCardsRequest(card_ids=[learning], until_day=Date(year=2026, month=11, day=25)), metadata=OF_MIKA
    )

    assert await listed(study, states=[card_pb2.CARD_STATE_SUSPENDED]) == [new]
    assert await listed(study, states=[card_pb2.CARD_STATE_NEW]) == []
    assert await listed(study, mature=True) == []
    assert set(await listed(study, mature=False)) == {review, new, learning}
    assert await listed(study, buried=True) == [learning]
    assert set(await listed(study, buried=False)) == {review, new}
    assert await listed(study, leech=True) == []
    due = (await study.card(review)).due_time
    assert await listed(study, due_before=due) == [learning]
    due.FromDatetime(due.ToDatetime() + timedelta(microseconds=1))
    assert set(await listed(study, due_before=due)) == {learning, review}
    assert await listed(study, due_before=stamp(NOON)) == []


async def test_a_token_of_other_filters_is_refused(study: Study) -> None:
    await study.add_cards(2)
    page = await study.stub.ListCards(pb.ListCardsRequest(page_size=1), metadata=OF_MIKA)
    request = pb.ListCardsRequest(page_token=page.next_page_token, leech=False)

    error = failure_of(await refused(study.stub.ListCards(request, metadata=OF_MIKA)))

    assert error.reason == "ERROR_REASON_INVALID_PAGE_TOKEN"


@pytest.mark.parametrize("size", [-1])
async def test_a_negative_size_is_refused(study: Study, size: int) -> None:
    error = failure_of(await refused(study.stub.ListCards(pb.ListCardsRequest(page_size=size), metadata=OF_MIKA)))
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
