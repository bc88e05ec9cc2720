"""How much audio a learner may still send today."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from server.errors import Reason, ResourceExhausted
from server.kernel.identity import UserId
from server.speech.storage import LearnerDay, UnitOfWork


async def audio_left(uow: UnitOfWork, user_id: UserId, now: datetime, allowed: int) -> float:
    """Seconds of audio that are left of the learner's day.

    Args:
        allowed: seconds of audio a day.

    Raises:
        ResourceExhausted: DAILY_AUDIO_LIMIT, to be tried again when the learner's day turns over.
    """
    began, ends = day_around(now, await uow.learners.day_of(user_id))
    left = allowed - await uow.attempts.audio_seconds_since(user_id, began)
    if left <= 0:
        raise ResourceExhausted(
            Reason.DAILY_AUDIO_LIMIT,
            f"{allowed} s of audio a day are allowed, and they are used up.",
            metadata={"limit_seconds": str(allowed)},
            retry_after=ends - now,
        )
    return left


def day_around(now: datetime, day: LearnerDay) -> tuple[datetime, datetime]:
    """When the learner's day that `now` lies in began and when it ends, UTC."""
    zone, turn = ZoneInfo(day.time_zone), timedelta(hours=day.turn_hour)
    date = (now.astimezone(zone).replace(tzinfo=None) - turn).date()
    began = datetime.combine(date, datetime.min.time()) + turn
    return began.replace(tzinfo=zone).astimezone(UTC), (began + timedelta(days=1)).replace(tzinfo=zone).astimezone(UTC)
