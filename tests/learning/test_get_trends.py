"""GetTrends tells how study developed."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from kaiwa.learning.v1 import learning_service_pb2 as pb
from kaiwa.learning.v1 import statistics_pb2
from tests.learning.test_get_daily_stats import TODAY, wire
from tests.support.learning import AGAIN, GOOD, OF_MIKA, Study, refused
from tests.support.rpc import failure_of

DAY, WEEK, MONTH = statistics_pb2.TREND_STEP_DAY, statistics_pb2.TREND_STEP_WEEK, statistics_pb2.TREND_STEP_MONTH


async def trends(study: Study, **wanted: object) -> list[statistics_pb2.TrendPoint]:
    response = await study.stub.GetTrends(pb.GetTrendsRequest(**wanted), metadata=OF_MIKA)  # type: ignore[arg-type]
    return list(response.points)


async def test_a_new_learner_has_empty_steps(study: Study) -> None:
    points = await trends(study, step=DAY)

    assert len(points) == 90
    assert points[-1].first_day == wire(TODAY)
    for point in points:
        assert (point.days_studied, point.answers) == (0, 0)
        assert not point.HasField("accuracy")
        assert not point.HasField("average_response_time")
        assert not point.HasField("average_pronunciation_score")


async def test_weeks_add_up(study: Study) -> None:
    # NOON is a Monday.
    (card,) = await study.add_cards()
    for days, rating in ((0, AGAIN), (1, GOOD), (6, GOOD)):
        study.clock.advance(timedelta(days=days))
        await study.review(card.id, rating)

    points = await trends(study, first_day=wire(TODAY + timedelta(days=1)), step=WEEK)

    assert [point.first_day for point in points] == [wire(TODAY), wire(TODAY + timedelta(days=7))]
    # Monday is before the range.
    assert [(point.days_studied, point.answers, point.accuracy) for point in points] == [(1, 1, 1.0), (1, 1, 1.0)]
    assert points[0].time_studied.seconds == 5
    assert points[0].average_response_time.seconds == 5


async def test_months_of_a_leap_year(study: Study) -> None:
    points = await trends(study, first_day=wire(date(2028, 2, 29)), last_day=wire(date(2028, 3, 1)), step=MONTH)

    assert [point.first_day for point in points] == [wire(date(2028, 2, 1)), wire(date(2028, 3, 1))]


@pytest.mark.parametrize(
    ("first", "step", "metadata"),
    [
        (TODAY - timedelta(days=400), DAY, {"field": "first_day", "limit": "400"}),
        (TODAY + timedelta(days=1), WEEK, {"field": "first_day"}),
        (date(1900, 1, 1), MONTH, {"field": "first_day", "limit": "400"}),
    ],
)
async def test_ranges_that_are_refused(
    study: Study, first: date, step: statistics_pb2.TrendStep.ValueType, metadata: dict[str, str]
) -> None:
    request = pb.GetTrendsRequest(first_day=wire(first), step=step)
    failure = failure_of(await refused(study.stub.GetTrends(request, metadata=OF_MIKA)))

    assert (failure.reason, failure.metadata) == ("ERROR_REASON_INVALID_FIELD", metadata)


async def test_a_step_has_to_be_named(study: Study) -> None:
    failure = failure_of(await refused(study.stub.GetTrends(pb.GetTrendsRequest(), metadata=OF_MIKA)))

    assert (failure.reason, failure.metadata["field"]) == ("ERROR_REASON_INVALID_FIELD", "step")
