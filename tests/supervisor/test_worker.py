"""The worker's chores."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog

from server.config import Settings
from server.errors import Reason, Unavailable
from server.worker import Chore, chores, do_chore, work
from tests.support.kernel import NOON, FixedClock


@dataclass
class FakeMaintenance:
    """Writes down what is asked of it."""

    asked: dict[str, datetime] = field(default_factory=dict)

    async def delete_expired_sessions(self, before: datetime) -> int:
        self.asked["sessions"] = before
        return 1

    async def delete_expired_refresh_tokens(self, before: datetime) -> int:
        self.asked["tokens"] = before
        return 1

    async def delete_expired_mailed_tokens(self, before: datetime) -> int:
        self.asked["mailed tokens"] = before
        return 1

    async def forget_answers(self, before: datetime) -> int:
        self.asked["answers"] = before
        return 1

    async def end_forgotten_speaking_sessions(self, before: datetime) -> int:
        self.asked["speaking sessions"] = before
        return 0

    async def delete_expired_jobs(self, before: datetime) -> int:
        self.asked["jobs"] = before
        return 0

    async def remove_orphaned_audio(self, before: datetime) -> int:
        self.asked["audio"] = before
        return 0

    async def forget_exports(self, before: datetime) -> int:
        self.asked["forgotten exports"] = before
        return 0

    async def remove_expired_exports(self, before: datetime) -> int:
        self.asked["expired exports"] = before
        return 0

    async def remove_orphaned_exports(self, before: datetime) -> int:
        self.asked["orphaned exports"] = before
        return 0

    async def check_statistics(self, before: datetime) -> int:
        self.asked["statistics"] = before
        return 0

    async def expire_imports(self, before: datetime) -> int:
        self.asked["imports"] = before
        return 0

    async def remove_orphaned_files(self, before: datetime) -> int:
        self.asked["files"] = before
        return 0

    async def forget_dead_deliveries(self, before: datetime) -> int:
        self.asked["deliveries"] = before
        return 0


async def test_each_chore_has_its_age() -> None:
    maintenance = FakeMaintenance()
    todo = chores(
        maintenance,
        remove_orphaned_audio=maintenance.remove_orphaned_audio,
        remove_expired_exports=maintenance.remove_expired_exports,
        remove_orphaned_exports=maintenance.remove_orphaned_exports,
        check_statistics=maintenance.check_statistics,
        remove_orphaned_files=maintenance.remove_orphaned_files,
    )
    # An expired job goes after its archive.
    names = [chore.name for chore in todo]
    assert names.index("expired exports") < names.index("expired jobs")
    for chore in todo:
        await do_chore(chore, FixedClock(NOON))
    assert maintenance.asked == {
        "sessions": NOON - timedelta(days=7),
        "tokens": NOON - timedelta(days=7),
        "mailed tokens": NOON,
        "answers": NOON - timedelta(days=7),
        "audio": NOON - timedelta(days=1),
        "jobs": NOON,
        "expired exports": NOON,
        "imports": NOON,
        "files": NOON - timedelta(days=1),
        "forgotten exports": NOON - timedelta(days=30),
        "orphaned exports": NOON - timedelta(days=1),
        "statistics": NOON - timedelta(days=1),
        "deliveries": NOON - timedelta(minutes=1),
        "speaking sessions": NOON - timedelta(hours=12),
    }


@pytest.mark.parametrize("error", [Unavailable(Reason.DATABASE_UNAVAILABLE, "away"), ValueError("a bug")])
async def test_a_chore_that_fails_is_logged_and_left_for_the_next_time(error: Exception) -> None:
    async def fail(before: datetime) -> int:
        raise error

    with structlog.testing.capture_logs() as logged:
        await do_chore(Chore("fails", "* * * * *", timedelta(0), fail), FixedClock())
    assert [(line["event"], line["chore"]) for line in logged] == [("chore failed", "fails")]


async def test_it_works_until_it_is_told_to_stop(database_url: str, tmp_path: Path) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(work(Settings(home=tmp_path, database_url=database_url), stop, lambda _: {}))
    stop.set()
    async with asyncio.timeout(10):
        await working
