"""The learner's day: it turns at an hour of theirs, in their time zone, whatever daylight saving does."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class LearnerDays:
    """How a learner's days are counted.

    Days follow each other without gap or overlap: one lasts from its start to the start of the next. Most last 24
    hours, those of a change of daylight saving 23 or 25, and one that a zone skipped (Samoa's 2011-12-30) none.

    Attributes:
        time_zone: IANA name.
        turn_hour: local hour, 0 to 23, at which the day turns.
    """

    time_zone: str = "UTC"
    turn_hour: int = 4

    def start_of(self, day: date) -> datetime:
        """When a day begins, UTC: the turning hour on the wall clock, the first one where the clock shows it twice.

        Where the clock leaps over the hour, the day begins with the leap. The last days of the calendar are cut to it.
        """
        return _start(self.time_zone, self.turn_hour, day)

    def end_of(self, day: date) -> datetime:
        """When a day ends, UTC: the start of the next one."""
        return self.start_of(day + _A_DAY)

    def day_of(self, at: datetime) -> date:
        """The day that a time (aware) falls into."""
        day = at.astimezone(ZoneInfo(self.time_zone)).date()
        while at < self.start_of(day):
            day -= _A_DAY
        while at >= self.end_of(day):
            day += _A_DAY
        return day

    def hour_of(self, at: datetime) -> int:
        """The hour that the learner's clock shows, 0 to 23."""
        return at.astimezone(ZoneInfo(self.time_zone)).hour


@lru_cache(maxsize=65_536)
def _start(time_zone: str, turn_hour: int, day: date) -> datetime:
    try:
        return datetime.combine(day, time(turn_hour), ZoneInfo(time_zone)).astimezone(UTC)
    except OverflowError:
        return datetime.combine(day, time(turn_hour), UTC)
