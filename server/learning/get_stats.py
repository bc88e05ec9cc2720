"""GetStats: the statistics of a range of days."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.learning.domain.card import Skill
from server.learning.domain.day_of_study import DayOfStudy, together
from server.learning.domain.streak import Streak
from server.learning.storage import Range, UnitOfWork, UnitOfWorkFactory
from server.learning.study_record import StudyRecord, check_order


@dataclass(frozen=True, slots=True)
class Stats:
    """Statistics of a range.

    Attributes:
        first: the first day; None: the learner never studied, and none was named.
        days_studied: days with at least one answer.
        totals: the sums, with the streak at the end of the range.
        streak: as it stands today.
    """

    first: date | None
    last: date
    days_studied: int
    totals: DayOfStudy
    streak: Streak


class GetStats:
    """Tells the statistics of a range.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory[UnitOfWork], clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, asked: Range, skills: Collection[Skill]) -> Stats:
        """The statistics; by default of all days up to today.

        Args:
            skills: answers to cards of other skills are left out; none named: nothing is.

        Raises:
            InvalidInput: INVALID_FIELD.
        """
        async with self._unit_of_work() as uow:
            record = await StudyRecord.open(uow, caller.user_id, self._clock.now())
            last = asked.last or record.today
            first = asked.first
            if first is None and record.streaks:
                first = min(next(iter(record.streaks)), last)
            if first is not None:
                check_order(first, last)
            days = {} if first is None else await record.days(first, last, skills)
            return Stats(
                first,
                last,
                sum(1 for day in days.values() if day.figures.answers),
                together(days.values(), record.streak_on(last)),
                record.streak,
            )
