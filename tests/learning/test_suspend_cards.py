"""SuspendCards takes cards out of every queue, in the order of the log."""

from __future__ import annotations

from datetime import timedelta

import grpc

from kaiwa.errors.v1 import error_reason_pb2 as reasons
from kaiwa.learning.v1 import card_pb2
from kaiwa.learning.v1 import learning_service_pb2 as pb
from tests.support.kernel import NOON
from tests.support.learning import OF_MIKA, Study, refused, stamp
from tests.support.rpc import failure_of


async def test_a_suspended_card_is_in_no_queue_but_takes_reviews(study: Study) -> None:
    (card,) = await study.add_cards()
    missing = study.new_id()

    done = await study.stub.SuspendCards(pb.SuspendCardsRequest(card_ids=[missing, card.id]), metadata=OF_MIKA)

    assert [each.id for each in done.cards] == [card.id]
    assert done.cards[0].state == card_pb2.CARD_STATE_SUSPENDED
    assert done.cards[0].resumes_as == card_pb2.CARD_STATE_NEW
    assert done.failures[0].card_id == missing
    assert done.failures[0].failure.reason == reasons.ERROR_REASON_CARD_NOT_FOUND
    assert list((await study.queue()).cards) == []
    study.clock.advance(timedelta(minutes=1))
    reviewed = (await study.review(card.id)).card
    assert (reviewed.state, reviewed.resumes_as) == (card_pb2.CARD_STATE_SUSPENDED, card_pb2.CARD_STATE_LEARNING)
    await study.check_replay()


async def test_a_repeat_changes_nothing(study: Study) -> None:
    (card,) = await study.add_cards()
    request = pb.SuspendCardsRequest(card_ids=[card.id])
    first = await study.stub.SuspendCards(request, metadata=OF_MIKA)
    study.clock.advance(timedelta(minutes=1))
    assert await study.stub.SuspendCards(request, metadata=OF_MIKA) == first


async def test_a_late_retry_with_its_request_id_does_not_undo_what_came_between(study: Study) -> None:
    (card,) = await study.add_cards()
    request = pb.SuspendCardsRequest(card_ids=[card.id], request_id=study.new_id())
    first = await study.stub.SuspendCards(request, metadata=OF_MIKA)
    study.clock.advance(timedelta(minutes=1))
    await study.stub.UnsuspendCards(pb.UnsuspendCardsRequest(card_ids=[card.id]), metadata=OF_MIKA)

    assert await study.stub.SuspendCards(request, metadata=OF_MIKA) == first
    assert (await study.card(card.id)).state == card_pb2.CARD_STATE_NEW
    request.card_ids.append(study.new_id())
    error = failure_of(await refused(study.stub.SuspendCards(request, metadata=OF_MIKA)))
    assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ERROR_REASON_REQUEST_ID_REUSED")


async def test_what_was_done_offline_takes_its_place_by_its_time(study: Study) -> None:
    (card,) = await study.add_cards()
    study.clock.advance(timedelta(days=1))
    at = stamp(NOON + timedelta(hours=2))
    await study.stub.UnsuspendCards(pb.UnsuspendCardsRequest(card_ids=[card.id], client_time=at), metadata=OF_MIKA)
    await study.review(card.id, at=NOON + timedelta(hours=3))
    earlier = stamp(NOON + timedelta(hours=1))
    await study.stub.SuspendCards(pb.SuspendCardsRequest(card_ids=[card.id], client_time=earlier), metadata=OF_MIKA)

    late = stamp(NOON + timedelta(hours=4))
    done = await study.stub.SuspendCards(pb.SuspendCardsRequest(card_ids=[card.id], client_time=late), metadata=OF_MIKA)

    assert done.cards[0].state == card_pb2.CARD_STATE_SUSPENDED
    await study.check_replay()


async def test_a_time_that_is_off_is_refused(study: Study) -> None:
    (card,) = await study.add_cards()
    request = pb.SuspendCardsRequest(card_ids=[card.id], client_time=stamp(NOON + timedelta(days=2)))
    error = failure_of(await refused(study.stub.SuspendCards(request, metadata=OF_MIKA)))
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "ERROR_REASON_REVIEW_TIME_OUT_OF_RANGE")
