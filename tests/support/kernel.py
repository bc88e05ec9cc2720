"""Time, ids and random bytes that tests hold still."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class FixedClock:
    """Stands still until it is moved."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


class CountingIds:
    """Makes UUIDs of version 7 that count up from 1."""

    def __init__(self) -> None:
        self.made = 0

    def new_id(self) -> str:
        self.made += 1
        return str(uuid.UUID(int=0x0198C0DE_0000_7000_8000_000000000000 + self.made))


class CountingSecrets:
    """Makes byte strings that count up from `start` + 1."""

    def __init__(self, start: int = 0) -> None:
        self.made = start

    def __call__(self, size: int) -> bytes:
        self.made += 1
        return self.made.to_bytes(size, "big")
