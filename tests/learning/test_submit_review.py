"""SubmitReview records one answer, once."""

from __future__ import annotations

from datetime import timedelta

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import insert

from kaiwa.learning.v1 import card_pb2, review_pb2
from kaiwa.learning.v1 import learning_service_pb2 as pb
from server.adapters.postgres.tables import AttemptRow
from tests.support.kernel import NOON
from tests.support.learning import (
    AGAIN,
    EASY,
    GOOD,
    HARD,
    LISTENING,
    MIKA,
    OF_MIKA,
    READING,
    SPEAKING,
    Study,
    length,
    moment,
    refused,
    stamp,
)
from tests.support.rpc import failure_of


async def test_a_new_card_goes_through_its_steps(study: Study) -> None:
    (card,) = await study.add_cards()

    first = await study.review(card.id)

    assert first.card.state == card_pb2.CARD_STATE_LEARNING
    assert first.card.step == 1
    assert moment(first.card.due_time) == NOON + timedelta(minutes=10)
    assert first.card.interval == length(timedelta(minutes=10))
    assert first.review.kind == review_pb2.REVIEW_KIND_LEARNING
    assert first.review.given.state_before == card_pb2.CARD_STATE_NEW
    assert first.review.given.scheduler_version == "fsrs 6.3.2"
    assert not first.review.given.HasField("retrievability_before")
    study.clock.advance(timedelta(minutes=10))
    second = await study.review(card.id)
    assert second.card.state == card_pb2.CARD_STATE_REVIEW
    assert second.card.interval == length(timedelta(days=2))
    assert (second.card.due_day.month, second.card.due_day.day) == (11, 25)
    assert moment(second.card.due_time) == NOON.replace(day=25, hour=4)
    assert (second.card.repetitions, second.card.correct_count, second.card.current_streak) == (2, 2, 2)
    assert second.card.accuracy == 1
    assert second.card.average_response_time == length(timedelta(seconds=5))
    assert second.card.sequence > first.card.sequence
    await study.check_replay()


async def test_a_graduated_card_lapses_into_relearning(study: Study) -> None:
    (card,) = await study.add_cards()
    await study.graduate(card.id)
    study.clock.advance(timedelta(days=8))

    lapsed = await study.review(card.id, AGAIN)

    assert lapsed.review.kind == review_pb2.REVIEW_KIND_REVIEW
    assert lapsed.card.state == card_pb2.CARD_STATE_RELEARNING
    assert (lapsed.card.lapses, lapsed.card.incorrect_count, lapsed.card.current_streak) == (1, 1, 0)
    assert lapsed.card.best_streak == 1
    assert 0 < lapsed.review.given.retrievability_before < 1
    study.clock.advance(timedelta(minutes=10))
    assert (await study.review(card.id)).review.kind == review_pb2.REVIEW_KIND_RELEARNING


async def test_a_repeat_returns_the_first_answer_and_the_card_as_it_stands(study: Study) -> None:
    (card,) = await study.add_cards()
    submission = study.submission(card.id)
    first = await study.submit(submission)
    study.clock.advance(timedelta(minutes=10))
    second = await study.review(card.id)
    before = await study.state()

    repeated = await study.submit(submission)

    assert repeated.review == first.review
    assert repeated.card == second.card
    assert await study.state() == before
    assert await study.count("reviews") == 2


@pytest.mark.parametrize(
    "change",
    [
        {"rating": HARD},
        {"client_time": stamp(NOON - timedelta(seconds=1))},
        {"time_taken": length(timedelta(seconds=6))},
        {"without_rescheduling": True},
    ],
)
async def test_the_same_id_with_other_content_is_refused(study: Study, change: dict[str, object]) -> None:
    (card,) = await study.add_cards()
    submission = study.submission(card.id)
    await study.submit(submission)
    other = review_pb2.ReviewSubmission(**change)  # type: ignore[arg-type]
    submission.MergeFrom(other)

    error = failure_of(
        await refused(study.stub.SubmitReview(pb.SubmitReviewRequest(review=submission), metadata=OF_MIKA))
    )

    assert (error.code, error.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ERROR_REASON_REVIEW_ID_REUSED")
    assert error.metadata == {"review_id": submission.review_id}


async def test_a_card_that_is_not_theirs_is_not_found(study: Study) -> None:
    submission = study.submission(study.new_id())

    error = failure_of(
        await refused(study.stub.SubmitReview(pb.SubmitReviewRequest(review=submission), metadata=OF_MIKA))
    )

    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "ERROR_REASON_CARD_NOT_FOUND")
    assert error.metadata == {"card_id": submission.card_id}


@pytest.mark.parametrize("off", [timedelta(hours=24, seconds=1), -timedelta(hours=24, seconds=1)])
async def test_a_clock_that_is_off_by_more_than_a_day_is_refused(study: Study, off: timedelta) -> None:
    (card,) = await study.add_cards()
    submission = study.submission(card.id, at=NOON + off)

    error = failure_of(
        await refused(study.stub.SubmitReview(pb.SubmitReviewRequest(review=submission), metadata=OF_MIKA))
    )

    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "ERROR_REASON_REVIEW_TIME_OUT_OF_RANGE")
    assert error.metadata["earliest"] == "2026-11-22T12:00:00Z"
    assert error.metadata["latest"] == "2026-11-24T12:00:00Z"
    assert await study.count("reviews") == 0


@pytest.mark.parametrize("off", [timedelta(hours=23), -timedelta(hours=23)])
async def test_a_clock_that_is_off_by_less_takes_effect_within_the_card_s_life(study: Study, off: timedelta) -> None:
    (card,) = await study.add_cards()

    done = await study.review(card.id, at=NOON + off)

    assert moment(done.review.client_time) == NOON + off
    assert moment(done.review.effective_time) == NOON


async def test_practice_without_rescheduling_counts_but_schedules_nothing(study: Study) -> None:
    (card,) = await study.add_cards()
    before = await study.graduate(card.id)

    done = await study.submit(study.submission(card.id, AGAIN, filtered=True))

    assert done.review.kind == review_pb2.REVIEW_KIND_FILTERED
    assert (done.card.due_day, done.card.stability, done.card.state) == (
        before.due_day,
        before.stability,
        before.state,
    )
    assert (done.card.repetitions, done.card.incorrect_count, done.card.lapses) == (2, 1, 0)


async def test_answering_buries_the_siblings_until_the_next_day(study: Study) -> None:
    reading, listening, speaking = await study.add_cards(skills=(READING, LISTENING, SPEAKING))
    study.clock.advance(timedelta(hours=1))

    done = await study.review(reading.id)

    assert sorted(done.review.given.buried_card_ids) == sorted([listening.id, speaking.id])
    for sibling in (listening, speaking):
        buried = await study.card(sibling.id)
        assert (buried.buried_until_day.month, buried.buried_until_day.day) == (11, 24)
    assert not (await study.card(reading.id)).HasField("buried_until_day")
    await study.set(bury_siblings=False)
    study.clock.advance(timedelta(days=1))
    assert list((await study.review(reading.id)).review.given.buried_card_ids) == []


@pytest.mark.parametrize(("action", "suspended"), [(1, False), (2, True)])
async def test_a_card_that_lapses_often_is_a_leech(study: Study, action: int, suspended: bool) -> None:
    await study.set(leech_threshold=2, leech_action=action, relearning_steps=[])
    (card,) = await study.add_cards()
    await study.graduate(card.id)
    reached = []
    for _ in range(4):
        study.clock.advance(timedelta(days=3))
        reached.append((await study.review(card.id, AGAIN)).review.given.reached_leech_threshold)
    assert reached == [False, True, True, True]
    leech = await study.card(card.id)
    assert leech.leech
    assert (leech.state == card_pb2.CARD_STATE_SUSPENDED) == suspended
    assert leech.resumes_as == (card_pb2.CARD_STATE_REVIEW if suspended else card_pb2.CARD_STATE_UNSPECIFIED)
    await study.check_replay()


async def test_a_time_taken_of_more_than_a_minute_is_recorded_as_one(study: Study) -> None:
    (card,) = await study.add_cards()
    submission = study.submission(card.id, taken=timedelta(hours=1))

    done = await study.submit(submission)

    assert done.review.time_taken == length(timedelta(minutes=1))
    assert (await study.submit(submission)).review == done.review


async def spoken(study: Study, **columns: object) -> str:
    attempt_id = study.new_id()
    async with study.unit_of_work() as uow:
        await uow.session.execute(
            insert(AttemptRow).values(
                **{
                    "id": attempt_id,
                    "practice_id": study.new_id(),
                    "user_id": MIKA,
                    "fingerprint": "x",
                    "audio_seconds": 1.0,
                    "suggested_rating": 3,
                    "created_at": NOON,
                    "updated_at": NOON,
                    **columns,
                }
            )
        )
        await uow.commit()
    return attempt_id


@pytest.mark.parametrize(
    ("rating", "source"), [(GOOD, review_pb2.RATING_SOURCE_PRACTICE), (HARD, review_pb2.RATING_SOURCE_LEARNER)]
)
async def test_a_spoken_attempt_suggests_a_rating_that_the_learner_may_overrule(
    study: Study, rating: review_pb2.Rating.ValueType, source: review_pb2.RatingSource.ValueType
) -> None:
    (card,) = await study.add_cards(skills=(SPEAKING,))
    submission = study.submission(card.id, rating)
    submission.attempt_id = await spoken(study, sentence_id=card.sentence_id)
    submission.rating_source = source

    done = await study.submit(submission)

    assert done.review.suggested_rating == GOOD
    assert done.review.rating == rating
    assert done.review.rating_source == source
    assert done.review.attempt_id == submission.attempt_id


async def test_an_attempt_at_another_card_or_sentence_is_refused(study: Study) -> None:
    card, other = await study.add_cards(2, skills=(SPEAKING,))
    submission = study.submission(card.id)
    for columns in ({"card_id": other.id}, {"sentence_id": other.sentence_id}, {}):
        submission.attempt_id = await spoken(study, **columns)
        error = failure_of(
            await refused(study.stub.SubmitReview(pb.SubmitReviewRequest(review=submission), metadata=OF_MIKA))
        )
        assert error.reason == "ERROR_REASON_REVIEW_ATTEMPT_MISMATCH"
        assert error.code == grpc.StatusCode.FAILED_PRECONDITION
        assert error.metadata == {"attempt_id": submission.attempt_id, "card_id": card.id}


async def test_an_attempt_that_never_was_is_not_found_and_a_deleted_one_is_taken(study: Study) -> None:
    (card,) = await study.add_cards(skills=(SPEAKING,))
    submission = study.submission(card.id)
    submission.attempt_id = study.new_id()
    error = failure_of(
        await refused(study.stub.SubmitReview(pb.SubmitReviewRequest(review=submission), metadata=OF_MIKA))
    )
    assert (error.code, error.reason) == (grpc.StatusCode.NOT_FOUND, "ERROR_REASON_ATTEMPT_NOT_FOUND")
    submission.attempt_id = await spoken(study, deleted_at=NOON)
    assert (await study.submit(submission)).review.attempt_id == submission.attempt_id


async def test_an_impossible_time_is_refused_by_name(study: Study) -> None:
    (card,) = await study.add_cards()
    submission = study.submission(card.id)
    submission.client_time.CopyFrom(Timestamp(seconds=10**13))

    error = failure_of(
        await refused(study.stub.SubmitReview(pb.SubmitReviewRequest(review=submission), metadata=OF_MIKA))
    )

    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert error.metadata["field"] == "review.client_time"


async def test_a_card_whose_steps_are_gone_graduates(study: Study) -> None:
    await study.set(learning_steps=[])
    (card,) = await study.add_cards()
    assert (await study.review(card.id, AGAIN)).card.state == card_pb2.CARD_STATE_REVIEW
    assert (await study.review(card.id, EASY)).card.state == card_pb2.CARD_STATE_REVIEW
