"""GetDailyStats tells what every day was, by the learner's days."""

from __future__ import annotations

from datetime import date, timedelta

import grpc
import pytest
from google.type.date_pb2 import Date
from sqlalchemy import insert

from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import statistics_pb2
from server.adapters.postgres.tables import AttemptRow, SpeakingSessionRow
from tests.support.kernel import NOON
from tests.support.learning import AGAIN, EASY, GOOD, HARD, MIKA, OF_MIKA, Study, refused
from tests.support.rpc import failure_of

TODAY = NOON.date()


def wire(day: date) -> Date:
    return Date(year=day.year, month=day.month, day=day.day)


async def days_of(study: Study, first: date | None = None, last: date | None = None) -> list[statistics_pb2.DailyStats]:
    request = pb.GetDailyStatsRequest(
        first_day=None if first is None else wire(first), last_day=None if last is None else wire(last)
    )
    return list((await study.stub.GetDailyStats(request, metadata=OF_MIKA)).days)


async def test_a_new_learner_has_thirty_empty_days(study: Study) -> None:
    days = await days_of(study)

    assert [day.day for day in days] == [wire(TODAY - timedelta(days=back)) for back in reversed(range(30))]
    for day in days:
        assert not day.HasField("accuracy")
        assert not day.HasField("average_response_time")
        assert not day.HasField("average_pronunciation_score")
        assert not day.retention.HasField("rate")
        assert (day.answers, day.sessions_completed, day.study_streak) == (0, 0, 0)


async def test_a_day_of_study(study: Study) -> None:
    first, second = await study.add_cards(2)
    for card, rating, taken in ((first, AGAIN, 4), (first, GOOD, 6), (second, EASY, 90)):
        await study.submit(study.submission(card.id, rating, taken=timedelta(seconds=taken)))
        study.clock.advance(timedelta(minutes=1))
    await study.submit(study.submission(second.id, HARD, filtered=True, taken=None))
    study.clock.advance(timedelta(minutes=31))

    (day,) = await days_of(study, TODAY, TODAY)

    assert day.day == wire(TODAY)
    assert (day.cards_reviewed, day.new_cards_introduced, day.cards_graduated, day.cards_learned) == (2, 2, 1, 0)
    assert day.answers == 4
    assert day.ratings == statistics_pb2.RatingCounts(again=1, hard=1, good=1, easy=1)
    assert day.time_studied.seconds == 4 + 6 + 60
    assert day.average_response_time.ToTimedelta() == timedelta(milliseconds=23_333)
    assert day.accuracy == 0.75
    assert (day.retention.answers, day.retention.HasField("rate")) == (0, False)
    assert (day.sessions_completed, day.study_streak) == (1, 1)


async def test_retention_is_of_reviews_of_graduated_cards(study: Study) -> None:
    cards = await study.add_cards(2)
    for card in cards:
        await study.graduate(card.id)
    study.clock.advance(timedelta(days=20))
    await study.review(cards[0].id, GOOD)
    await study.review(cards[1].id, AGAIN)

    *_, day = await days_of(study)

    assert day.retention == statistics_pb2.Retention(answers=2, correct=1, rate=0.5)
    assert day.new_cards_introduced == 0


async def test_study_sessions_are_split_by_half_an_hour_and_counted_when_over(study: Study) -> None:
    card, other = await study.add_cards(2)
    for minutes in (0, 30, 31):
        study.clock.advance(timedelta(minutes=minutes))
        await study.review(card.id, AGAIN)
    assert (await days_of(study, TODAY, TODAY))[0].sessions_completed == 1

    study.clock.advance(timedelta(minutes=30))
    assert (await days_of(study, TODAY, TODAY))[0].sessions_completed == 1
    study.clock.advance(timedelta(seconds=1))
    assert (await days_of(study, TODAY, TODAY))[0].sessions_completed == 2

    # An answer from between, of a device that was offline, joins the two.
    await study.review(other.id, GOOD, study.clock.now() - timedelta(minutes=45))
    assert (await days_of(study, TODAY, TODAY))[0].sessions_completed == 1


async def test_what_is_undone_is_in_no_figure(study: Study) -> None:
    (card,) = await study.add_cards()
    empty = await days_of(study)
    done = await study.review(card.id)
    await study.stub.UndoReview(pb.UndoReviewRequest(review_id=done.review.review_id), metadata=OF_MIKA)

    assert await days_of(study) == empty


async def test_the_streak_of_each_day(study: Study) -> None:
    (card,) = await study.add_cards()
    for advance in (0, 1, 1, 2):
        study.clock.advance(timedelta(days=advance))
        await study.review(card.id)
    study.clock.advance(timedelta(days=1))

    days = await days_of(study, TODAY - timedelta(days=1), TODAY + timedelta(days=6))

    assert [day.study_streak for day in days] == [0, 1, 2, 3, 0, 1, 1, 0]


async def test_speaking_is_counted(study: Study) -> None:
    async with study.unit_of_work() as uow:
        await uow.session.execute(insert(SpeakingSessionRow).values(id=study.new_id(), user_id=MIKA, started_at=NOON))
        for score, deleted_at in ((80.0, None), (90.0, None), (None, None), (10.0, NOON)):
            await uow.session.execute(
                insert(AttemptRow).values(
                    id=study.new_id(),
                    practice_id=study.new_id(),
                    user_id=MIKA,
                    fingerprint="x",
                    audio_seconds=1.0,
                    overall=score,
                    created_at=NOON,
                    updated_at=NOON,
                    deleted_at=deleted_at,
                )
            )
        await uow.commit()

    before, day = await days_of(study, TODAY - timedelta(days=1), TODAY)

    assert (day.speaking_sessions, day.average_pronunciation_score) == (1, 85.0)
    assert (before.speaking_sessions, before.HasField("average_pronunciation_score")) == (0, False)


@pytest.mark.parametrize(
    ("first", "last", "limit"),
    [
        (TODAY - timedelta(days=366), TODAY, "365"),
        (TODAY + timedelta(days=1), None, None),
        (date(2026, 3, 2), date(2026, 3, 1), None),
    ],
)
async def test_ranges_that_are_refused(study: Study, first: date, last: date | None, limit: str | None) -> None:
    request = pb.GetDailyStatsRequest(first_day=wire(first), last_day=None if last is None else wire(last))
    failure = failure_of(await refused(study.stub.GetDailyStats(request, metadata=OF_MIKA)))

    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ERROR_REASON_INVALID_FIELD")
    assert (failure.metadata["field"], failure.metadata.get("limit")) == ("first_day", limit)


async def test_a_date_that_is_none_is_refused(study: Study) -> None:
    request = pb.GetDailyStatsRequest(last_day=Date(year=2026, month=2, day=29))
    failure = failure_of(await refused(study.stub.GetDailyStats(request, metadata=OF_MIKA)))

    assert (failure.reason, failure.metadata["field"]) == ("ERROR_REASON_INVALID_FIELD", "last_day")


async def test_the_longest_range_and_the_ends_of_the_calendar(study: Study) -> None:
    assert len(await days_of(study, TODAY - timedelta(days=365), TODAY)) == 366
    assert len(await days_of(study, date.min, date.min)) == 1
    assert len(await days_of(study, None, date(9000, 12, 31))) == 30
    assert len(await days_of(study, None, date(1, 1, 5))) == 5
