"""What is derived from logs, derived anew: for every learner, in a process of its own, while servers run."""

from __future__ import annotations

from collections.abc import Callable

from server.adapters.clock import SystemClock
from server.adapters.postgres.database import database_url
from server.adapters.postgres.engine import create_engine
from server.adapters.postgres.unit_of_work import unit_of_work_factory
from server.config import Settings
from server.learning.rebuild_cards import RebuildCards, Rebuilt
from server.learning.recompute_statistics import RecomputeStatistics


async def rebuild_statistics(settings: Settings, say: Callable[[str], None]) -> int:
    """Computes all learners' daily figures from their logs and puts right what is otherwise.

    Args:
        say: told of each learner whose figures were otherwise, and at the end how many there were.

    Returns:
        For how many learners other figures were kept.
    """
    with database_url(settings.database_url, settings.home) as url:
        engine = create_engine(url, application_name="kaiwa-rebuild")
        try:
            learners = mended = 0
            async for user_id, otherwise in RecomputeStatistics(unit_of_work_factory(engine), SystemClock()).all():
                learners += 1
                if otherwise:
                    mended += 1
                    say(f"{user_id}: the daily figures were not those of the log, and are now.")
            say(f"Learners looked at: {learners}; with other figures: {mended}.")
            return mended
        finally:
            await engine.dispose()


async def rebuild_cards(url: str, *, check: bool) -> Rebuilt:
    """Makes all cards of a migrated database anew from the log.

    Args:
        check: changes nothing.
    """
    engine = create_engine(url, application_name="kaiwa-rebuild")
    try:
        return await RebuildCards(unit_of_work_factory(engine), SystemClock())(check=check)
    finally:
        await engine.dispose()
