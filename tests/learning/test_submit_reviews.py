"""SubmitReviews records what a device gathered offline, each answer for itself."""

from __future__ import annotations

from datetime import timedelta

from kaiwa.errors.v1 import error_reason_pb2 as reasons
from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import review_pb2
from tests.support.kernel import NOON
from tests.support.learning import AGAIN, EASY, GOOD, LISTENING, OF_MIKA, READING, Study


async def send(study: Study, *reviews: review_pb2.ReviewSubmission) -> pb.SubmitReviewsResponse:
    return await study.stub.SubmitReviews(pb.SubmitReviewsRequest(reviews=reviews), metadata=OF_MIKA)


async def test_answers_take_effect_by_their_times_whatever_their_order(study: Study) -> None:
    (card,) = await study.add_cards()
    study.clock.advance(timedelta(days=10))
    first = study.submission(card.id, GOOD, NOON + timedelta(hours=1))
    second = study.submission(card.id, GOOD, NOON + timedelta(hours=2))
    third = study.submission(card.id, AGAIN, NOON + timedelta(days=5))

    done = await send(study, third, first, second)

    kinds = [result.review.kind for result in done.results]
    assert kinds == [
        review_pb2.REVIEW_KIND_REVIEW,
        review_pb2.REVIEW_KIND_LEARNING,
        review_pb2.REVIEW_KIND_LEARNING,
    ]
    assert [result.review_id for result in done.results] == [each.review_id for each in (third, first, second)]
    (after,) = done.cards
    assert (after.repetitions, after.lapses) == (3, 1)
    await study.check_replay()


async def test_each_fails_for_itself(study: Study) -> None:
    (card,) = await study.add_cards()
    good = study.submission(card.id)
    unknown = study.submission(study.new_id())
    early = study.submission(card.id, at=NOON - timedelta(days=2))
    unrated = study.submission(card.id)
    unrated.rating = review_pb2.RATING_UNSPECIFIED
    unnamed = study.submission(card.id, review_id="mika")
    twin = study.submission(card.id, EASY, review_id=good.review_id)

    done = await send(study, good, unknown, early, unrated, unnamed, twin, good)

    assert [result.WhichOneof("outcome") for result in done.results] == ["review", *["failure"] * 5, "review"]
    failures = [result.failure for result in done.results[1:6]]
    assert [failure.reason for failure in failures] == [
        reasons.ERROR_REASON_CARD_NOT_FOUND,
        reasons.ERROR_REASON_REVIEW_TIME_OUT_OF_RANGE,
        reasons.ERROR_REASON_INVALID_FIELD,
        reasons.ERROR_REASON_INVALID_FIELD,
        reasons.ERROR_REASON_REVIEW_ID_REUSED,
    ]
    assert failures[2].metadata["field"] == "reviews[3].rating"
    assert failures[3].metadata["field"] == "reviews[4].review_id"
    assert done.results[0] == done.results[6]
    assert await study.count("reviews") == 1


async def test_hundreds_of_answers_come_in_one_call_and_again(study: Study) -> None:
    cards = await study.add_cards(100, skills=(READING, LISTENING))
    study.clock.advance(timedelta(days=30))
    reviews = [
        study.submission(card.id, study.dice.choice((AGAIN, GOOD, GOOD, EASY)), NOON + timedelta(minutes=minute))
        for minute in study.dice.sample(range(40_000), 3)
        for card in cards
    ]
    study.dice.shuffle(reviews)

    done = await send(study, *reviews)
    before = await study.state()
    again = await send(study, *reviews)

    assert {result.WhichOneof("outcome") for result in done.results} == {"review"}
    assert len(done.cards) == 200
    assert again.results == done.results
    assert await study.state() == before
    await study.check_replay()


async def test_an_answer_that_arrives_late_is_put_in_its_place(study: Study) -> None:
    (card,) = await study.add_cards()
    study.clock.advance(timedelta(days=20))
    late = study.submission(card.id, EASY, NOON + timedelta(hours=1))
    await study.review(card.id, GOOD, NOON + timedelta(days=9))
    first = (await study.review(card.id, GOOD, NOON + timedelta(days=9, minutes=10))).review

    await study.submit(late)

    after = await study.card(card.id)
    assert after.repetitions == 3
    history = (await study.stub.GetCard(pb.GetCardRequest(card_id=card.id), metadata=OF_MIKA)).reviews
    assert [review.review_id for review in history][2] == late.review_id
    changed = history[0]
    assert changed.review_id == first.review_id
    assert changed.given == first.given
    assert changed.replayed.state_before != changed.given.state_before
    await study.check_replay()
