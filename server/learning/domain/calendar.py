"""The learner's days as they were: by the zone and the turning hour that were in force at each moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from server.learning.domain.settings import Regimes, Vacation

_DAY = timedelta(days=1)
# A local day begins at most 14 h before it does in UTC, and ends, turning at 23 h, at most 35 h after it does in UTC.
_BEFORE, _AFTER = _DAY, 3 * _DAY


class LearnerCalendar:
    """Tells a learner's days.

    Args:
        regimes: all that ever was in force.
    """

    def __init__(self, regimes: Regimes) -> None:
        self._regimes = regimes
        self._vacations: Sequence[Vacation] = regimes.vacations()
        self._skipped = _skipped(regimes)

    def day_of(self, at: datetime) -> date:
        """The learner's day of a moment."""
        return self._regimes.at(at).days.day_of(at)

    def hour_of(self, at: datetime) -> int:
        """The hour of the learner's clock at a moment, 0 to 23."""
        return self._regimes.at(at).days.hour_of(at)

    def is_off(self, day: date) -> bool:
        """Whether a day neither counts for the study streak nor breaks it.

        A day of a vacation, or one that never was: moving east over the date line leaves out one, and so did zones
        that moved over it themselves.
        """
        if day in self._skipped or any(vacation.covers(day) for vacation in self._vacations):
            return True
        try:
            days = self._regimes.at(datetime.combine(day, time(12), UTC)).days
            return days.start_of(day) == days.end_of(day)
        except OverflowError:
            return False

    def on_vacation(self, day: date) -> bool:
        """Whether a day belongs to a time away."""
        return any(vacation.covers(day) for vacation in self._vacations)

    @staticmethod
    def stretch(first: date, last: date) -> tuple[datetime, datetime]:
        """A stretch of time that holds every moment of a range of days, whatever zones they were in, and some more."""
        earliest, latest = date.min + 2 * _BEFORE, date.max - 2 * _AFTER
        since, until = max(first, earliest) - _BEFORE, min(last, latest) + _AFTER
        return datetime.combine(since, time(), UTC), datetime.combine(until, time(), UTC)


def _skipped(regimes: Regimes) -> frozenset[date]:
    """Days that were left out when the zone or the turning hour changed."""
    found: set[date] = set()
    for before, after in zip(regimes.all, regimes.all[1:], strict=False):
        if before.days == after.days:
            continue
        day, arrived = before.days.day_of(after.since - timedelta(microseconds=1)), after.days.day_of(after.since)
        while (day := day + _DAY) < arrived:
            found.add(day)
    return frozenset(found)
