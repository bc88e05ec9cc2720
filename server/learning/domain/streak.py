"""The study streak: days in a row with at least one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

_DAY = timedelta(days=1)

DayOff: TypeAlias = Callable[[date], bool]
"""Whether a day neither counts nor breaks: a day of a vacation, or one that a move over the date line left out."""


@dataclass(frozen=True, slots=True)
class Streak:
    """How long the learner has studied in a row.

    Attributes:
        current_days: up to today, or up to the day before while today has no answer; 0 where it is broken.
        best_days: the longest ever.
        studied_today: whether today has an answer.
        last_study_day: None where there is none.
    """

    current_days: int = 0
    best_days: int = 0
    studied_today: bool = False
    last_study_day: date | None = None


def streaks(study_days: Iterable[date], day_off: DayOff) -> dict[date, int]:
    """The streak at the end of each study day, in days.

    Args:
        study_days: days with an answer, ascending.
        day_off: whether a day without an answer does not break it.
    """
    found: dict[date, int] = {}
    previous: date | None = None
    for day in study_days:
        found[day] = continued(day, previous, found.get(previous, 0) if previous else 0, day_off)
        previous = day
    return found


def continued(day: date, previous: date | None, streak: int, day_off: DayOff) -> int:
    """The streak at the end of a study day.

    Args:
        day: the day.
        previous: the study day before it; None: it is the first.
        streak: that day's.
        day_off: whether a day without an answer does not break it.
    """
    return streak + 1 if previous is not None and _unbroken(previous, day, day_off) else 1


def streak_on(day: date, at_end: Mapping[date, int], day_off: DayOff, *, over: bool = True) -> int:
    """The streak on any day.

    Args:
        day: the day.
        at_end: the streak at the end of each study day.
        day_off: whether a day without an answer does not break it.
        over: whether the day is over, so that it breaks the streak if it has no answer.
    """
    if day in at_end:
        return at_end[day]
    last = max((study_day for study_day in at_end if study_day < day), default=None)
    until = day + _DAY if over else day
    return at_end[last] if last is not None and _unbroken(last, until, day_off) else 0


def streak_today(today: date, at_end: Mapping[date, int], day_off: DayOff) -> Streak:
    """The streak as it stands.

    Args:
        today: the learner's day.
        at_end: the streak at the end of each study day; days after today, of a clock that was ahead, are left out.
        day_off: whether a day without an answer does not break it.
    """
    past = {day: days for day, days in at_end.items() if day <= today}
    if not past:
        return Streak()
    return Streak(streak_on(today, past, day_off, over=False), max(past.values()), today in past, max(past))


def _unbroken(previous: date, day: date, day_off: DayOff) -> bool:
    """Whether there is no day between two that would have needed an answer."""
    between = previous + _DAY
    while between < day:
        if not day_off(between):
            return False
        between += _DAY
    return True
