"""UndoReview takes back one of the latest answers, and leaves it in the log."""

from __future__ import annotations

from datetime import timedelta

import grpc

from kaiwa.learning.v1 import learning_service_pb2 as pb
from tests.support.learning import AGAIN, GOOD, LISTENING, OF_MIKA, READING, Study, moment, refused
from tests.support.rpc import failure_of


async def undo(study: Study, review_id: str) -> pb.UndoReviewResponse:
    return await study.stub.UndoReview(pb.UndoReviewRequest(review_id=review_id), metadata=OF_MIKA)


async def test_an_undone_answer_leaves_everything_as_it_was_before(study: Study) -> None:
    reading, _ = await study.add_cards(skills=(READING, LISTENING))
    await study.graduate(reading.id)
    study.clock.advance(timedelta(days=3))
    before = await study.state()
    mistake = await study.review(reading.id, AGAIN)
    assert await study.state() != before

    undone = await undo(study, mistake.review.review_id)

    assert await study.state() == before
    assert moment(undone.review.undo_time) == study.clock.now()
    assert undone.review.given == mistake.review.given
    assert undone.undoable_count == 1
    assert await study.count("reviews") == 2
    await study.check_replay()


async def test_an_answer_in_the_middle_can_be_undone_and_again(study: Study) -> None:
    (card,) = await study.add_cards()
    middle = await study.review(card.id, AGAIN)
    study.clock.advance(timedelta(minutes=1))
    await study.review(card.id, GOOD)

    first = await undo(study, middle.review.review_id)
    state = await study.state()
    study.clock.advance(timedelta(minutes=1))
    second = await undo(study, middle.review.review_id)

    assert second == first
    assert await study.state() == state
    assert first.card.repetitions == 1
    await study.check_replay()


async def test_only_the_latest_thirty_can_be_undone(study: Study) -> None:
    (card,) = await study.add_cards()
    reviews = []
    for _ in range(31):
        study.clock.advance(timedelta(minutes=1))
        reviews.append((await study.review(card.id, AGAIN)).review.review_id)

    error = failure_of(
        await refused(study.stub.UndoReview(pb.UndoReviewRequest(review_id=reviews[0]), metadata=OF_MIKA))
    )

    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ERROR_REASON_UNDO_LIMIT_REACHED")
    assert error.metadata == {"review_id": reviews[0], "limit": "30"}
    assert (await undo(study, reviews[1])).undoable_count == 30
    assert (await undo(study, reviews[0])).undoable_count == 29


async def test_a_review_that_is_not_theirs_is_not_found(study: Study) -> None:
    request = pb.UndoReviewRequest(review_id=study.new_id())

    error = failure_of(await refused(study.stub.UndoReview(request, metadata=OF_MIKA)))

    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "ERROR_REASON_REVIEW_NOT_FOUND")


async def test_a_reset_is_no_answer_to_be_undone(study: Study) -> None:
    (card,) = await study.add_cards()
    await study.graduate(card.id)
    study.clock.advance(timedelta(minutes=1))
    await study.stub.ResetCards(pb.ResetCardsRequest(card_ids=[card.id]), metadata=OF_MIKA)
    history = (await study.stub.GetCard(pb.GetCardRequest(card_id=card.id), metadata=OF_MIKA)).reviews
    request = pb.UndoReviewRequest(review_id=history[0].review_id)

    error = failure_of(await refused(study.stub.UndoReview(request, metadata=OF_MIKA)))

    assert (error.code, error.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ERROR_REASON_REVIEW_NOT_UNDOABLE")
    assert error.metadata["kind"] == "REVIEW_KIND_MANUAL"
