"""GetDailyStats: the statistics of each day of a range."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from server.errors import InvalidInput
from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.learning.domain.day_of_study import DayOfStudy
from server.learning.storage import Range, UnitOfWork, UnitOfWorkFactory
from server.learning.study_record import StudyRecord

MOST_DAYS = 366
_USUAL_DAYS = 30


class GetDailyStats:
    """Tells the statistics of days.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory[UnitOfWork], clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, asked: Range) -> Sequence[DayOfStudy]:
        """Every day of the range, ascending; by default the last 30.

        Raises:
            InvalidInput: INVALID_FIELD.
        """
        async with self._unit_of_work() as uow:
            record = await StudyRecord.open(uow, caller.user_id, self._clock.now())
            first, last = record.range(asked, _USUAL_DAYS)
            if (last - first).days >= MOST_DAYS:
                raise InvalidInput(
                    "first_day",
                    f"is more than {MOST_DAYS - 1} days before the last day, {last}",
                    metadata={"limit": str(MOST_DAYS - 1)},
                )
            known = await record.days(first, last)
            days = [first + timedelta(days=index) for index in range((last - first).days + 1)]
            return [known.get(day) or DayOfStudy(day, study_streak=record.streak_on(day)) for day in days]
