"""Study sessions end when they are over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from server.learning.domain.day_of_study import SESSION_GAP, sessions_by_day

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
BEGINS = [NOON - timedelta(days=1), NOON - timedelta(hours=2), NOON]


def day_of(at: datetime) -> date:
    return at.date()


def test_a_session_that_can_go_on_is_not_counted_yet() -> None:
    last = NOON + timedelta(minutes=10)

    assert sessions_by_day(BEGINS, last, last + SESSION_GAP, day_of) == {date(2026, 11, 22): 1, date(2026, 11, 23): 1}
    assert sessions_by_day(BEGINS, last, last + SESSION_GAP + timedelta(seconds=1), day_of) == {
        date(2026, 11, 22): 1,
        date(2026, 11, 23): 2,
    }


def test_no_answer_is_no_session() -> None:
    assert sessions_by_day([], None, NOON, day_of) == {}
