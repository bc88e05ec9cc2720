"""Everything about a day of study, and about several of them together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import TypeAlias

from server.learning.domain.figures import Figures

SESSION_GAP = timedelta(minutes=30)
"""Answers with a longer gap between them belong to two study sessions."""

DayOf: TypeAlias = Callable[[datetime], date]
"""The learner's day of a moment: by the zone and the turning hour in force at that moment."""


@dataclass(frozen=True, slots=True)
class SpeakingFigures:
    """What was spoken.

    Attributes:
        sessions: speaking sessions that began.
        scored: attempts with an overall score.
        score_sum: the sum of those scores, each 0 to 100.
    """

    sessions: int = 0
    scored: int = 0
    score_sum: float = 0.0

    def __add__(self, other: SpeakingFigures) -> SpeakingFigures:
        return SpeakingFigures(
            self.sessions + other.sessions, self.scored + other.scored, self.score_sum + other.score_sum
        )

    @property
    def average_score(self) -> float | None:
        """The mean overall score, 0 to 100; None where nothing was scored."""
        return min(100.0, self.score_sum / self.scored) if self.scored else None


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something that speaking left behind.

    Attributes:
        at: when the speaking session began, or when the attempt was made.
        score: the attempt's overall score, 0 to 100; None: it is a session.
    """

    at: datetime
    score: float | None = None


@dataclass(frozen=True, slots=True)
class DayOfStudy:
    """What happened on one of the learner's days.

    Attributes:
        day: the day; None where several are taken together.
        sessions_completed: study sessions that began on the day and are over.
        study_streak: at the end of the day, in days.
    """

    day: date | None
    figures: Figures = field(default_factory=Figures)
    sessions_completed: int = 0
    speaking: SpeakingFigures = field(default_factory=SpeakingFigures)
    study_streak: int = 0


def together(days: Iterable[DayOfStudy], study_streak: int = 0) -> DayOfStudy:
    """The sums over days, with the streak at their end."""
    sums = DayOfStudy(None, study_streak=study_streak)
    for day in days:
        sums = replace(
            sums,
            figures=sums.figures + day.figures,
            sessions_completed=sums.sessions_completed + day.sessions_completed,
            speaking=sums.speaking + day.speaking,
        )
    return sums


def sessions_by_day(
    begins: Iterable[datetime], last_answer: datetime | None, now: datetime, day_of: DayOf
) -> dict[date, int]:
    """The study sessions that are over, by the day on which they began.

    Args:
        begins: when sessions began, ascending.
        last_answer: the latest answer that belongs to them; None: there is none.
        now: a session whose last answer is less than `SESSION_GAP` ago can still go on.
        day_of: the learner's days.
    """
    over = list(begins)
    if over and last_answer is not None and now - last_answer <= SESSION_GAP:
        over.pop()
    found: defaultdict[date, int] = defaultdict(int)
    for begin in over:
        found[day_of(begin)] += 1
    return dict(found)


def spoken_by_day(spoken: Iterable[Spoken], day_of: DayOf) -> dict[date, SpeakingFigures]:
    """The figures of speaking of every day that has some."""
    found: defaultdict[date, SpeakingFigures] = defaultdict(SpeakingFigures)
    for each in spoken:
        one = SpeakingFigures(sessions=1) if each.score is None else SpeakingFigures(0, 1, each.score)
        found[day_of(each.at)] += one
    return dict(found)
