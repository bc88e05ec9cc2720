"""What use cases of statistics share: the learner's days, put together from what is kept and what is counted."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic

from server.errors import InvalidInput
from server.kernel.identity import UserId
from server.learning.domain.calendar import LearnerCalendar
from server.learning.domain.card import Skill
from server.learning.domain.day_of_study import DayOfStudy, SpeakingFigures, sessions_by_day, spoken_by_day
from server.learning.domain.figures import DayAndSkill, Figures, total
from server.learning.domain.streak import Streak, streak_on, streak_today, streaks
from server.learning.storage import Range, U


@dataclass(frozen=True, slots=True)
class StudyRecord(Generic[U]):
    """A learner's study, read within one transaction.

    Attributes:
        today: the learner's day.
        streaks: the study streak at the end of each day with an answer, ascending.
    """

    uow: U
    user_id: UserId
    now: datetime
    calendar: LearnerCalendar
    today: date
    streaks: Mapping[date, int]

    @classmethod
    async def open(cls, uow: U, user_id: UserId, now: datetime) -> StudyRecord[U]:
        """Reads what every use case needs."""
        calendar = LearnerCalendar(await uow.learning_settings.regimes(user_id))
        study_days = await uow.statistics.study_days(user_id)
        return cls(uow, user_id, now, calendar, calendar.day_of(now), streaks(study_days, calendar.is_off))

    @property
    def streak(self) -> Streak:
        """The study streak as it stands."""
        return streak_today(self.today, self.streaks, self.calendar.is_off)

    def streak_on(self, day: date) -> int:
        """The study streak at the end of a day, or now where it is not over; 0 on days to come."""
        if day > self.today:
            return 0
        return streak_on(day, self.streaks, self.calendar.is_off, over=day < self.today)

    async def days(self, first: date, last: date, skills: Collection[Skill] = ()) -> dict[date, DayOfStudy]:
        """The days of a range that have anything, ascending.

        Args:
            skills: answers to cards of other skills are left out, and speaking is unless SPEAKING is among them; none
                named: nothing is left out.
        """
        stretch = self.calendar.stretch(first, last)
        figures = _by_day(await self.uow.statistics.figures(self.user_id, first, last, skills))
        begins, last_answer = await self.uow.statistics.sessions(self.user_id, *stretch, skills)
        sessions = sessions_by_day(begins, last_answer, self.now, self.calendar.day_of)
        speaking: Mapping[date, SpeakingFigures] = {}
        if not skills or Skill.SPEAKING in skills:
            spoken = await self.uow.statistics.spoken(self.user_id, *stretch)
            speaking = spoken_by_day(spoken, self.calendar.day_of)
        return {
            day: DayOfStudy(
                day,
                figures.get(day, Figures()),
                sessions.get(day, 0),
                speaking.get(day, SpeakingFigures()),
                self.streak_on(day),
            )
            for day in sorted(figures.keys() | sessions.keys() | speaking.keys())
            if first <= day <= last
        }

    def range(self, asked: Range, usual_days: int) -> tuple[date, date]:
        """The range that was asked for, by default up to today.

        Args:
            usual_days: how many days it has where no first day is named.

        Raises:
            InvalidInput: INVALID_FIELD: its ends are not in order.
        """
        last = asked.last or self.today
        first = asked.first
        if first is None:
            first = last - timedelta(days=min(usual_days - 1, (last - date.min).days))
        check_order(first, last)
        return first, last


def check_order(first: date, last: date) -> None:
    """Refuses a range whose ends are not in order.

    Raises:
        InvalidInput: INVALID_FIELD.
    """
    if first > last:
        raise InvalidInput("first_day", f"is {first}, which comes after the last day, {last}")


def _by_day(figures: Mapping[DayAndSkill, Figures]) -> Mapping[date, Figures]:
    apart: dict[date, list[Figures]] = {}
    for (day, _), each in figures.items():
        apart.setdefault(day, []).append(each)
    return {day: total(members) for day, members in apart.items()}


def sum_up(figures: Sequence[DayOfStudy]) -> Figures:
    """The figures of several days."""
    return total(day.figures for day in figures)
