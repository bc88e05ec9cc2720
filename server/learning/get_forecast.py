"""GetForecast: how many cards become due on each of the days to come."""

from __future__ import annotations

from datetime import timedelta

from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.learning.domain.calendar import LearnerCalendar
from server.learning.domain.figures import total
from server.learning.domain.progress import Forecast, forecast
from server.learning.domain.selection import CardFilter
from server.learning.storage import UnitOfWork, UnitOfWorkFactory

_PACE_DAYS = 30


class GetForecast:
    """Looks ahead.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory[UnitOfWork], clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, days: int, filter: CardFilter) -> Forecast:
        """The forecast for some days, today first.

        Args:
            days: 1 to 365.
            filter: narrows the cards down.
        """
        async with self._unit_of_work() as uow:
            calendar = LearnerCalendar(await uow.learning_settings.regimes(caller.user_id))
            today = calendar.day_of(self._clock.now())
            groups = await uow.statistics.due_groups(caller.user_id, filter, today)
            since = today - timedelta(days=_PACE_DAYS - 1)
            recent = await uow.statistics.figures(caller.user_id, since, today)
        due = [cards for group in groups if (cards := group.due(calendar.day_of)) is not None]
        return forecast(today, days, due, calendar.on_vacation, total(recent.values()).average_response_time)
