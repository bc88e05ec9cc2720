"""The learner's day, in which audio is counted."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.speech.daily_audio import day_around
from server.speech.storage import LearnerDay


@pytest.mark.parametrize(
    ("now", "zone", "hour", "began", "ends"),
    [
        ("2026-11-23T12:00", "UTC", 4, "2026-11-23T04:00", "2026-11-24T04:00"),
        ("2026-11-23T03:59", "UTC", 4, "2026-11-22T04:00", "2026-11-23T04:00"),
        ("2026-11-23T04:00", "UTC", 4, "2026-11-23T04:00", "2026-11-24T04:00"),
        ("2026-11-23T18:59", "Asia/Tokyo", 4, "2026-11-22T19:00", "2026-11-23T19:00"),
        ("2026-11-23T19:00", "Asia/Tokyo", 4, "2026-11-23T19:00", "2026-11-24T19:00"),
        # Clocks go back: a day of 25 hours.
        ("2026-10-25T12:00", "Europe/Berlin", 0, "2026-10-24T22:00", "2026-10-25T23:00"),
    ],
)
def test_days(now: str, zone: str, hour: int, began: str, ends: str) -> None:
    at, first, last = (datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (now, began, ends))
    assert day_around(at, LearnerDay(zone, hour)) == (first, last)


@given(
    st.integers(10**9, 4 * 10**9),
    st.sampled_from(["UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "Pacific/Kiritimati"]),
    st.integers(0, 23),
)
def test_every_moment_lies_in_its_day(now: int, zone: str, hour: int) -> None:
    at = datetime.fromtimestamp(now, UTC)
    began, ends = day_around(at, LearnerDay(zone, hour))
    # In the hour that comes twice or never, the turn of the day is off by that hour.
    assert began - timedelta(hours=1) <= at < ends + timedelta(hours=1)
    assert timedelta(hours=23) <= ends - began <= timedelta(hours=25)
