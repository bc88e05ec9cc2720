"""GetCard shows a card with its newest reviews."""

from __future__ import annotations

from datetime import timedelta

import grpc

from kaiwa.learning.v1 import learning_service_pb2 as pb
from tests.support.learning import GOOD, OF_MIKA, Study, refused
from tests.support.rpc import failure_of


async def test_the_newest_reviews_come_first_undone_ones_too(study: Study) -> None:
    (card,) = await study.add_cards()
    reviews = []
    for _ in range(4):
        study.clock.advance(timedelta(days=1))
        reviews.append((await study.review(card.id)).review.review_id)
    await study.stub.UndoReview(pb.UndoReviewRequest(review_id=reviews[3]), metadata=OF_MIKA)

    history = await study.stub.GetCard(pb.GetCardRequest(card_id=card.id, review_limit=3), metadata=OF_MIKA)

    assert [review.review_id for review in history.reviews] == reviews[:0:-1]
    assert [review.HasField("undo_time") for review in history.reviews] == [True, False, False]
    assert not any(review.HasField("replayed") for review in history.reviews)
    assert history.card.repetitions == 3


async def test_the_chance_of_remembering_falls_with_time(study: Study) -> None:
    (card,) = await study.add_cards()
    new = await study.stub.GetCard(pb.GetCardRequest(card_id=card.id), metadata=OF_MIKA)
    assert not new.HasField("retrievability")
    await study.graduate(card.id)
    chances = []
    for _ in range(3):
        shown = await study.stub.GetCard(pb.GetCardRequest(card_id=card.id), metadata=OF_MIKA)
        chances.append(shown.retrievability)
        study.clock.advance(timedelta(days=5))
    assert chances[0] == 1
    assert sorted(chances, reverse=True) == chances
    assert chances[2] < chances[1] < 1


async def test_under_sm2_no_chance_is_known(study: Study) -> None:
    await study.set(scheduler=2)
    (card,) = await study.add_cards()
    await study.review(card.id, GOOD)
    shown = await study.stub.GetCard(pb.GetCardRequest(card_id=card.id), metadata=OF_MIKA)
    assert not shown.HasField("retrievability")
    assert shown.card.ease_factor == 2.5


async def test_a_card_that_is_not_theirs_is_not_found(study: Study) -> None:
    error = failure_of(await refused(study.stub.GetCard(pb.GetCardRequest(card_id=study.new_id()), metadata=OF_MIKA)))
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "ERROR_REASON_CARD_NOT_FOUND")
