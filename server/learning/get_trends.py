"""GetTrends: how study developed over a range of days."""

from __future__ import annotations

from collections.abc import Sequence

from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.learning.domain.trends import Step, TrendPoint, check_steps, trend
from server.learning.storage import Range, UnitOfWork, UnitOfWorkFactory
from server.learning.study_record import StudyRecord

_USUAL_DAYS = 90


class GetTrends:
    """Tells trends.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory[UnitOfWork], clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, asked: Range, step: Step) -> Sequence[TrendPoint]:
        """Every step of the range, ascending; by default of the last 90 days.

        Raises:
            InvalidInput: INVALID_FIELD.
        """
        async with self._unit_of_work() as uow:
            record = await StudyRecord.open(uow, caller.user_id, self._clock.now())
            first, last = record.range(asked, _USUAL_DAYS)
            check_steps(first, last, step)
            days = await record.days(first, last)
        return trend(first, last, step, list(days.values()))
