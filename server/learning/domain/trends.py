"""How study developed over time, in steps of days, weeks or months."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from server.errors import InvalidInput
from server.learning.domain.day_of_study import DayOfStudy, together

MOST_STEPS = 400
"""Steps of one trend at most; the contract says so."""


class Step(StrEnum):
    """How long a step of a trend is. Weeks begin on Monday."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    def begin(self, day: date) -> date:
        """The first day of the step that a day is in."""
        match self:
            case Step.DAY:
                return day
            case Step.WEEK:
                # The calendar has nothing before its first day, a Monday.
                return day - timedelta(days=day.weekday())
            case Step.MONTH:
                return day.replace(day=1)

    def after(self, begin: date) -> date | None:
        """The first day of the step after the one that begins on a day; None where the calendar ends."""
        try:
            match self:
                case Step.DAY:
                    return begin + timedelta(days=1)
                case Step.WEEK:
                    return begin + timedelta(days=7)
                case Step.MONTH:
                    return (begin + timedelta(days=31)).replace(day=1)
        except OverflowError:
            return None


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """One step.

    Attributes:
        first_day: of the step, be it before the range.
        days_studied: days of the range in it with at least one answer.
        sums: of the days of the range in it.
    """

    first_day: date
    days_studied: int
    sums: DayOfStudy


def check_steps(first: date, last: date, step: Step) -> None:
    """Refuses a range of too many steps.

    Raises:
        InvalidInput: INVALID_FIELD.
    """
    for count, _ in enumerate(_begins(first, last, step), start=1):
        if count > MOST_STEPS:
            raise InvalidInput(
                "first_day",
                f"makes more than {MOST_STEPS} steps; take a shorter range or a longer step",
                metadata={"limit": str(MOST_STEPS)},
            )


def trend(first: date, last: date, step: Step, days: Sequence[DayOfStudy]) -> tuple[TrendPoint, ...]:
    """Every step of a range, ascending.

    Args:
        first, last: the range, both inclusive.
        step: how long a step is.
        days: the days of the range that have something; others are taken as empty.
    """
    found: dict[date, list[DayOfStudy]] = {begin: [] for begin in _begins(first, last, step)}
    for day in days:
        if day.day is not None:
            found[step.begin(day.day)].append(day)
    return tuple(
        TrendPoint(begin, sum(1 for day in members if day.figures.answers), together(members))
        for begin, members in found.items()
    )


def _begins(first: date, last: date, step: Step) -> Iterator[date]:
    begin: date | None = step.begin(first)
    while begin is not None and begin <= last:
        yield begin
        begin = step.after(begin)
