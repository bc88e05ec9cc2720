"""ResetCards makes cards new and keeps their log."""

from __future__ import annotations

from datetime import timedelta

import pytest

from kaiwa.learning.v1 import card_pb2, review_pb2
from kaiwa.learning.v1 import learning_service_pb2 as pb
from tests.support.learning import AGAIN, OF_MIKA, Study


@pytest.mark.parametrize("counts", [False, True])
async def test_a_card_is_new_again_and_its_log_stays(study: Study, counts: bool) -> None:
    (card,) = await study.add_cards()
    await study.graduate(card.id)
    study.clock.advance(timedelta(days=9))
    await study.review(card.id, AGAIN)
    study.clock.advance(timedelta(minutes=1))
    request = pb.ResetCardsRequest(card_ids=[card.id], reset_counts=counts, request_id=study.new_id())

    done = await study.stub.ResetCards(request, metadata=OF_MIKA)

    (reset,) = done.cards
    assert reset.state == card_pb2.CARD_STATE_NEW
    assert not reset.HasField("stability")
    assert not reset.HasField("due_time")
    assert (reset.repetitions, reset.lapses, reset.incorrect_count) == ((0, 0, 0) if counts else (2, 1, 1))
    assert await study.stub.ResetCards(request, metadata=OF_MIKA) == done
    history = await study.stub.GetCard(pb.GetCardRequest(card_id=card.id), metadata=OF_MIKA)
    assert [review.kind for review in history.reviews] == [
        review_pb2.REVIEW_KIND_MANUAL,
        review_pb2.REVIEW_KIND_REVIEW,
        review_pb2.REVIEW_KIND_LEARNING,
    ]
    assert history.reviews[0].rating == review_pb2.RATING_UNSPECIFIED
    await study.check_replay()


async def test_a_card_that_is_new_stays_as_it_is(study: Study) -> None:
    (card,) = await study.add_cards()
    done = await study.stub.ResetCards(pb.ResetCardsRequest(card_ids=[card.id]), metadata=OF_MIKA)
    assert list(done.cards) == [card]


async def test_an_answer_from_before_the_reset_that_arrives_after_it_does_not_outlive_it(study: Study) -> None:
    (card,) = await study.add_cards()
    late = study.submission(card.id)
    study.clock.advance(timedelta(minutes=5))
    await study.graduate(card.id)
    study.clock.advance(timedelta(minutes=5))
    await study.stub.ResetCards(pb.ResetCardsRequest(card_ids=[card.id]), metadata=OF_MIKA)
    after = (await study.submit(late)).card
    assert after.state == card_pb2.CARD_STATE_NEW
    assert after.repetitions == 2
    await study.check_replay()
