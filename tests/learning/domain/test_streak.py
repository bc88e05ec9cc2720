"""The study streak counts days in a row, today's being open until it is over."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from server.learning.domain.streak import Streak, streak_on, streak_today, streaks

MONDAY = date(2026, 11, 23)


def day(number: int) -> date:
    return MONDAY + timedelta(days=number)


def never(_: date) -> bool:
    return False


def today(number: int, studied: list[int], day_off: Callable[[date], bool] = never) -> Streak:
    return streak_today(day(number), streaks([day(each) for each in studied], day_off), day_off)


def test_a_new_learner_has_none() -> None:
    assert today(0, []) == Streak(0, 0, False, None)


def test_today_counts_once_it_has_an_answer() -> None:
    assert today(2, [0, 1, 2]) == Streak(3, 3, True, day(2))
    assert today(3, [0, 1, 2]) == Streak(3, 3, False, day(2))


def test_a_day_without_an_answer_breaks_it() -> None:
    assert today(4, [0, 1, 2]) == Streak(0, 3, False, day(2))
    assert today(4, [0, 1, 2, 4]) == Streak(1, 3, True, day(4))


def test_days_off_neither_count_nor_break() -> None:
    assert today(5, [0, 1, 5], lambda each: day(2) <= each <= day(4)) == Streak(3, 3, True, day(5))
    assert today(4, [0, 1], lambda each: each >= day(2)) == Streak(2, 2, False, day(1))
    assert today(5, [0, 1], lambda each: day(2) <= each <= day(3)) == Streak(0, 2, False, day(1))


def test_an_answer_on_a_day_off_counts() -> None:
    assert today(3, [0, 2, 3], lambda each: day(1) <= each <= day(2)) == Streak(3, 3, True, day(3))


def test_answers_of_a_clock_that_was_ahead_wait_for_their_day() -> None:
    assert today(1, [0, 1, 3]) == Streak(2, 2, True, day(1))


@settings(deadline=None)
@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30)), st.integers(0, 30))
def test_any_day_is_told_by_counting_back(studied: set[int], off: set[int], number: int) -> None:
    def day_off(each: date) -> bool:
        return (each - MONDAY).days in off

    at_end = streaks([day(each) for each in sorted(studied)], day_off)

    expected, at = 0, number
    while at >= 0 and (at in studied or at in off):
        expected += at in studied
        at -= 1
    assert streak_on(day(number), at_end, day_off) == expected
