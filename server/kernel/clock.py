"""Sources of time and identity, given as arguments so that tests can hold them still."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The time now, aware, UTC."""
        ...


class IdSource(Protocol):
    """Makes identifiers."""

    def new_id(self) -> str:
        """A new UUID version 7 in its usual text form (so ids sort by the time they were made)."""
        ...
