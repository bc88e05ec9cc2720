"""SyncChanges: what changed since a device last asked."""

from __future__ import annotations

from dataclasses import dataclass

from server.kernel.identity import Caller
from server.learning.domain.days import LearnerDays
from server.learning.domain.sync import PlacedChange, SanityCounts, SyncPosition, check_position
from server.learning.ports import UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes in order.

    Attributes:
        next: where to go on.
        counts: what a device must hold now; None: more changes wait.
        days: how the learner's days are counted.
    """

    changes: tuple[PlacedChange, ...]
    next: SyncPosition
    counts: SanityCounts | None
    days: LearnerDays


class SyncChanges:
    """Tells what changed.

    Args:
        unit_of_work: opens a transaction.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, caller: Caller, after: SyncPosition, count: int) -> Changes:
        """At most `count` changes after a position.

        Raises:
            InvalidInput: SYNC_CURSOR_INVALID.
        """
        async with self._unit_of_work() as uow:
            last = await uow.sequences.last(caller.user_id)
            check_position(after, last)
            standing = await uow.learning_settings.standing(caller.user_id)
            found = await uow.change_feed.since(caller.user_id, after, last, count + 1)
            counts = None if len(found) > count else await uow.change_feed.counts(caller.user_id, last)
        shown = tuple(found[:count])
        return Changes(shown, shown[-1].position if shown else after, counts, standing.regime.days)
