"""BuryCards leaves cards out of the queue until a day."""

from __future__ import annotations

from datetime import timedelta

import grpc
from google.type.date_pb2 import Date

from kaiwa.learning.v1 import learning_service_pb2 as pb
from tests.support.learning import OF_MIKA, Study, refused
from tests.support.rpc import failure_of


async def test_a_buried_card_comes_back_on_its_day(study: Study) -> None:
    (card,) = await study.add_cards()

    done = await study.stub.BuryCards(pb.BuryCardsRequest(card_ids=[card.id]), metadata=OF_MIKA)

    assert done.cards[0].buried_until_day == Date(year=2026, month=11, day=24)
    assert len((await study.queue()).cards) == 0
    # 03:59 is still the day before: it turns at 4.
    study.clock.advance(timedelta(hours=15, minutes=59))
    assert len((await study.queue()).cards) == 0
    study.clock.advance(timedelta(minutes=1))
    assert len((await study.queue()).cards) == 1


async def test_of_two_days_the_later_one_holds(study: Study) -> None:
    (card,) = await study.add_cards()
    later = Date(year=2026, month=12, day=24)
    await study.stub.BuryCards(pb.BuryCardsRequest(card_ids=[card.id], until_day=later), metadata=OF_MIKA)
    study.clock.advance(timedelta(minutes=1))
    request = pb.BuryCardsRequest(card_ids=[card.id], request_id=study.new_id())
    done = await study.stub.BuryCards(request, metadata=OF_MIKA)
    assert done.cards[0].buried_until_day == later
    assert await study.stub.BuryCards(request, metadata=OF_MIKA) == done
    await study.check_replay()


async def test_a_day_that_does_not_come_after_is_refused(study: Study) -> None:
    (card,) = await study.add_cards()
    for day in (Date(year=2026, month=11, day=23), Date(year=2026, month=2, day=30), Date(year=2026)):
        request = pb.BuryCardsRequest(card_ids=[card.id], until_day=day)
        error = failure_of(await refused(study.stub.BuryCards(request, metadata=OF_MIKA)))
        assert (error.code, error.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ERROR_REASON_INVALID_FIELD")
        assert error.fields == ("until_day",)
