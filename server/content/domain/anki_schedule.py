"""Anki's schedule and log of reviews, in the terms of ours."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

_STATES = {0: "new", 1: "learning", 2: "review", 3: "relearning"}
_KINDS = {0: "learning", 1: "review", 2: "relearning", 3: "filtered", 4: "manual", 5: "rescheduled"}
_SUSPENDED = -1
_LATEST = 4_102_444_800
"""2100: what is due or was answered later is no time."""
_LONGEST_DAYS = 36_500
_LONGEST_ANSWER_MS = 60_000


@dataclass(frozen=True, slots=True)
class TakenState:
    """Where a card stood when it was exported.

    Attributes:
        state: new, learning, review or relearning.
        due_at: end of the step of a card in steps.
        due_day: the learner's day on which a card in review is due.
        position: where a new card stood in its queue.
        stability, difficulty, ease: what the algorithm knew: FSRS's memory (difficulty 1 to 10), or SM-2's ease as a
            factor; FSRS goes on from that where it has to.
    """

    state: str
    suspended: bool
    position: int = 0
    due_at: datetime | None = None
    due_day: date | None = None
    interval: timedelta | None = None
    stability: float | None = None
    difficulty: float | None = None
    ease: float | None = None


@dataclass(frozen=True, slots=True)
class TakenReview:
    """An entry of the log.

    Attributes:
        key: Anki's id: milliseconds since 1970.
        rating: 1 to 4; None for entries that answer nothing.
        difficulty, ease: what the algorithm knew after it.
    """

    key: int
    at: datetime
    kind: str
    rating: int | None
    interval: timedelta | None
    time_taken_ms: int | None
    given_state: str
    difficulty: float | None = None
    ease: float | None = None


def state_of(schedule: Mapping[str, object], created: int, rollover_hour: int, zone: tzinfo) -> TakenState:
    """Where a card stands.

    Args:
        schedule: Anki's columns.
        created: seconds since 1970 of the collection's day 0.
        rollover_hour: when its days begin, in the learner's zone.

    Raises:
        ValueError: it can't be understood.
    """
    kind, queue, due, days, factor = (
        _integer(schedule, name) for name in ("type", "queue", "due", "interval", "factor")
    )
    state = _STATES.get(kind)
    if state is None:
        raise ValueError(f"a card of the type {kind}")
    suspended = queue == _SUSPENDED
    if state == "new":
        return TakenState(state, suspended, position=max(0, min(due, 2**31)))
    memory = schedule.get("data")
    stability, difficulty = _memory(memory if isinstance(memory, dict) else {})
    if state in ("learning", "relearning") and due > 1_000_000_000:
        if due > _LATEST:
            raise ValueError("it is due after 2100")
        interval = timedelta(days=days) if days > 0 else timedelta(seconds=-days) if days < 0 else None
        return TakenState(
            state,
            suspended,
            due_at=datetime.fromtimestamp(due, UTC),
            interval=interval if state == "relearning" else None,
            stability=stability,
            difficulty=difficulty,
            ease=_ease(factor),
        )
    if not 0 < days <= _LONGEST_DAYS or not -_LONGEST_DAYS <= due <= 2 * _LONGEST_DAYS:
        raise ValueError(f"an interval of {days} days, due on day {due}")
    first = (datetime.fromtimestamp(created, zone) - timedelta(hours=rollover_hour)).date()
    return TakenState(
        state,
        suspended,
        due_at=datetime.combine(first + timedelta(days=due), datetime.min.time(), UTC) if state != "review" else None,
        due_day=first + timedelta(days=due) if state == "review" else None,
        interval=timedelta(days=days),
        stability=stability,
        difficulty=difficulty,
        ease=_ease(factor),
    )


def reviews_of(rows: Sequence[Sequence[int]]) -> tuple[list[TakenReview], int]:
    """The entries of a card's log that can be understood, and how many can't."""
    reviews: list[TakenReview] = []
    bad = 0
    for row in rows:
        review = _review(row)
        if review is None:
            bad += 1
        else:
            reviews.append(review)
    return reviews, bad


def _review(row: Sequence[int]) -> TakenReview | None:
    if len(row) != 7 or not all(isinstance(value, int) for value in row):
        return None
    key, ease, given, _, factor, taken, type_ = row
    kind = _KINDS.get(type_)
    if kind is None or not 0 < key < _LATEST * 1000 or abs(given) > _LONGEST_DAYS * 86_400:
        return None
    answers = kind not in ("manual", "rescheduled")
    if answers != (1 <= ease <= 4):
        # What answers nothing is of a kind that says so.
        if ease != 0 or not answers:
            return None
        kind, answers = "manual", False
    interval = timedelta(days=min(given, _LONGEST_DAYS)) if given > 0 else timedelta(seconds=-given)
    state = "review" if given > 0 else "relearning" if kind in ("relearning", "review") else "learning"
    is_fsrs = 100 <= factor <= 1100
    return TakenReview(
        key=key,
        at=datetime.fromtimestamp(key / 1000, UTC),
        kind=kind,
        rating=ease if answers else None,
        interval=interval if given else None,
        time_taken_ms=max(0, min(taken, _LONGEST_ANSWER_MS)) or None,
        given_state=state,
        difficulty=(factor / 1000 - 0.1) * 9 + 1 if is_fsrs else None,
        ease=None if is_fsrs else _ease(factor),
    )


def _memory(memory: Mapping[str, object]) -> tuple[float | None, float | None]:
    stability, difficulty = memory.get("s"), memory.get("d")
    if not isinstance(stability, int | float) or not 0 < stability < 1e6 or not math.isfinite(stability):
        return None, None
    known = isinstance(difficulty, int | float) and 1 <= difficulty <= 10
    return float(stability), float(difficulty) if known and isinstance(difficulty, int | float) else None


def _ease(factor: int) -> float | None:
    return max(1.3, factor / 1000) if 1200 <= factor <= 20_000 else None


def _integer(schedule: Mapping[str, object], name: str) -> int:
    value = schedule.get(name)
    if not isinstance(value, int):
        raise ValueError(f"its {name} is no number")
    return value
