"""UnburyCards digs cards up, siblings too."""

from __future__ import annotations

from datetime import timedelta

from kaiwa.learning.v1 import learning_service_pb2 as pb
from tests.support.learning import LISTENING, OF_MIKA, READING, Study


async def test_a_sibling_is_dug_up_and_stays_so_when_an_earlier_answer_arrives(study: Study) -> None:
    reading, listening = await study.add_cards(skills=(READING, LISTENING))
    study.clock.advance(timedelta(minutes=1))
    earlier = study.submission(reading.id)
    study.clock.advance(timedelta(minutes=1))
    await study.review(reading.id)
    study.clock.advance(timedelta(minutes=1))
    request = pb.UnburyCardsRequest(card_ids=[listening.id, reading.id], request_id=study.new_id())

    done = await study.stub.UnburyCards(request, metadata=OF_MIKA)

    assert not done.cards[0].HasField("buried_until_day")
    assert await study.stub.UnburyCards(request, metadata=OF_MIKA) == done
    await study.submit(earlier)
    assert not (await study.card(listening.id)).HasField("buried_until_day")
    study.clock.advance(timedelta(minutes=1))
    await study.review(reading.id)
    assert (await study.card(listening.id)).HasField("buried_until_day")
    await study.check_replay()
