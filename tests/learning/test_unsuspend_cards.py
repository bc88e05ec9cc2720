"""UnsuspendCards returns cards to the state that they had."""

from __future__ import annotations

from datetime import timedelta

from kaiwa.learning.v1 import card_pb2
from kaiwa.learning.v1 import learning_service_pb2 as pb
from tests.support.learning import AGAIN, OF_MIKA, Study


async def test_a_card_returns_to_its_state_and_others_stay(study: Study) -> None:
    card, other = await study.add_cards(2)
    before = await study.graduate(card.id)
    study.clock.advance(timedelta(minutes=1))
    await study.stub.SuspendCards(pb.SuspendCardsRequest(card_ids=[card.id]), metadata=OF_MIKA)
    study.clock.advance(timedelta(minutes=1))

    done = await study.stub.UnsuspendCards(pb.UnsuspendCardsRequest(card_ids=[card.id, other.id]), metadata=OF_MIKA)

    assert done.cards[0].state == card_pb2.CARD_STATE_REVIEW
    assert done.cards[0].due_day == before.due_day
    assert done.cards[1] == other
    await study.check_replay()


async def test_a_leech_can_be_taken_back_and_a_repeat_answers_as_before(study: Study) -> None:
    await study.set(leech_threshold=1, leech_action=2, relearning_steps=[])
    (card,) = await study.add_cards()
    await study.graduate(card.id)
    study.clock.advance(timedelta(days=9))
    assert (await study.review(card.id, AGAIN)).card.state == card_pb2.CARD_STATE_SUSPENDED
    study.clock.advance(timedelta(minutes=1))
    request = pb.UnsuspendCardsRequest(card_ids=[card.id], request_id=study.new_id())

    done = await study.stub.UnsuspendCards(request, metadata=OF_MIKA)

    assert done.cards[0].state == card_pb2.CARD_STATE_REVIEW
    assert done.cards[0].leech
    assert await study.stub.UnsuspendCards(request, metadata=OF_MIKA) == done
    await study.check_replay()
