"""Trends put days into steps."""

from __future__ import annotations

from datetime import date

import pytest

from server.errors import InvalidInput
from server.learning.domain.day_of_study import DayOfStudy, SpeakingFigures
from server.learning.domain.figures import Figures
from server.learning.domain.trends import MOST_STEPS, Step, check_steps, trend


def studied(day: date, answers: int) -> DayOfStudy:
    return DayOfStudy(day, Figures(buttons=(0, 0, answers, *(0,) * 17)), speaking=SpeakingFigures(1, 1, 80.0))


def test_weeks_begin_on_monday_be_it_before_the_range() -> None:
    thursday, tuesday = date(2026, 11, 19), date(2026, 12, 1)

    points = trend(thursday, tuesday, Step.WEEK, [studied(thursday, 3), studied(date(2026, 11, 22), 4)])

    assert [point.first_day for point in points] == [date(2026, 11, 16), date(2026, 11, 23), date(2026, 11, 30)]
    assert [(point.days_studied, point.sums.figures.answers) for point in points] == [(2, 7), (0, 0), (0, 0)]
    assert points[0].sums.speaking == SpeakingFigures(2, 2, 160.0)
    assert points[1].sums.figures.accuracy is None
    assert points[1].sums.speaking.average_score is None


def test_months_of_a_leap_year() -> None:
    points = trend(date(2028, 1, 31), date(2028, 3, 1), Step.MONTH, [studied(date(2028, 2, 29), 1)])

    assert [point.first_day for point in points] == [date(2028, 1, 1), date(2028, 2, 1), date(2028, 3, 1)]
    assert [point.days_studied for point in points] == [0, 1, 0]


def test_every_day_of_a_range_is_a_step() -> None:
    assert len(trend(date(2028, 2, 28), date(2028, 3, 1), Step.DAY, [])) == 3


@pytest.mark.parametrize(("last", "fits"), [(date(2027, 2, 4), True), (date(2027, 2, 5), False)])
def test_there_are_at_most_400_steps(last: date, fits: bool) -> None:
    first = date(2026, 1, 1)
    assert ((last - first).days + 1 <= MOST_STEPS) is fits
    if fits:
        check_steps(first, last, Step.DAY)
    else:
        with pytest.raises(InvalidInput) as refused:
            check_steps(first, last, Step.DAY)
        assert refused.value.metadata == {"field": "first_day", "limit": "400"}


def test_the_ends_of_the_calendar_are_no_trouble() -> None:
    assert trend(date.min, date.min, Step.WEEK, [])[0].first_day == date.min
    for step in Step:
        assert trend(date.max, date.max, step, [studied(date.max, 1)])[0].days_studied == 1
