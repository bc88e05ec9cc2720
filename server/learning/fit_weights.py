"""Fits the weights of FSRS to a learner's reviews. Not an RPC: the job that OptimizeScheduler starts does it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic

from server.kernel.clock import Clock, IdSource
from server.kernel.identity import UserId
from server.learning.domain.calendar import LearnerCalendar
from server.learning.domain.fsrs import DEFAULT_WEIGHTS, check_weights
from server.learning.domain.training import Fit, training_set
from server.learning.optimize_scheduler import Optimization
from server.learning.storage import Executor, Fitting, U, UnitOfWorkFactory

Report = Callable[[int, int, str], None]
"""Says how far it is: reviews done, reviews in all, and the stage."""

_log = logging.getLogger("kaiwa.learning")


@dataclass(frozen=True, slots=True)
class Fitted:
    """What fitting came to.

    Attributes:
        reviews: that the weights were fitted to.
        before: the weights that were in force, FSRS-6's 21.
    """

    fit: Fit
    reviews: int
    before: tuple[float, ...]


class FitWeights(Generic[U]):
    """Fits weights, and puts them in force.

    Args:
        unit_of_work: opens a transaction.
        fitting: fits.
        in_thread: computes off the event loop.
        clock: tells the time.
        ids: makes ids for the log of settings.
    """

    def __init__(
        self, unit_of_work: UnitOfWorkFactory[U], fitting: Fitting, in_thread: Executor, clock: Clock, ids: IdSource
    ) -> None:
        self._unit_of_work = unit_of_work
        self._fitting = fitting
        self._in_thread = in_thread
        self._clock = clock
        self._ids = ids

    async def __call__(self, user_id: UserId, wanted: Optimization, report: Report) -> Fitted:
        """Fits; stores nothing.

        Raises:
            FailedPrecondition: TOO_FEW_REVIEWS.
        """
        async with self._unit_of_work() as uow:
            calendar = LearnerCalendar(await uow.learning_settings.regimes(user_id))
            log = await uow.statistics.logged_reviews(user_id)
            standing = await uow.learning_settings.standing(user_id)
        task = await self._in_thread(lambda: training_set(log, calendar.day_of, wanted.first_day))
        whole = task.fitted + task.held_out
        report(0, whole, "optimization.fitting")
        before = standing.regime.settings.fsrs_weights or DEFAULT_WEIGHTS
        fit = await self._fitting.fit(task, before)
        check_weights(fit.weights, "weights")
        report(whole, whole, "optimization.storing")
        return Fitted(fit, task.fitted, before)

    async def put_in_force(self, uow: U, user_id: UserId, fitted: Fitted) -> bool:
        """Takes the weights into the settings, in the caller's transaction.

        Returns:
            Whether it did: not where they predict no better than those before, and not where other weights have come
            into force meanwhile, which nobody has compared them with.
        """
        if not fitted.fit.better:
            return False
        sequence = await uow.sequences.next(user_id)
        now = self._clock.now()
        present = (await uow.learning_settings.standing(user_id)).regime.settings
        if not _same(present.fsrs_weights or DEFAULT_WEIGHTS, fitted.before):
            _log.info("weights changed while others were fitted")
            return False
        await uow.learning_settings.change(
            user_id,
            self._ids.new_id(),
            present,
            replace(present, fsrs_weights=fitted.fit.weights),
            now,
            sequence,
            moves_cards=False,
        )
        return True


def _same(mine: Sequence[float], its: Sequence[float]) -> bool:
    return tuple(mine) == tuple(its)
