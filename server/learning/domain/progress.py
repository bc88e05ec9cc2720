"""Where a learner's cards stand, and when those that are scheduled become due."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import TypeVar

from server.learning.domain.card import Skill, State

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class CardGroup:
    """Cards that are alike.

    Attributes:
        mature: whether they are in REVIEW with an interval of 21 days or more.
        difficulty: of their sentences, 1 to 10; 0: not analysed yet.
        jlpt_level: of their sentences, 5 (N5) to 1; None: without an estimate.
        count: how many they are.
        buried, leeches: how many of them are buried today, and leeches.
    """

    skill: Skill
    state: State
    mature: bool
    suspended: bool
    difficulty: int
    jlpt_level: int | None
    count: int
    buried: int
    leeches: int


@dataclass(frozen=True, slots=True)
class CardCounts:
    """How many cards stand where. Each is in one of `new`, `learning`, `young`, `mature`, `relearning`, `suspended`."""

    total: int = 0
    new: int = 0
    learning: int = 0
    young: int = 0
    mature: int = 0
    relearning: int = 0
    suspended: int = 0
    buried: int = 0
    leeches: int = 0


def count_cards(groups: Iterable[CardGroup]) -> CardCounts:
    """Counts cards."""
    counts: Counter[str] = Counter()
    for group in groups:
        counts["total"] += group.count
        counts[_place(group)] += group.count
        counts["buried"] += group.buried
        counts["leeches"] += group.leeches
    return CardCounts(**{each.name: counts[each.name] for each in fields(CardCounts)})


def count_cards_by(groups: Iterable[CardGroup], key: Callable[[CardGroup], K]) -> dict[K, CardCounts]:
    """Counts cards apart, by a key of their group."""
    apart: defaultdict[K, list[CardGroup]] = defaultdict(list)
    for group in groups:
        apart[key(group)].append(group)
    return {each: count_cards(members) for each, members in apart.items()}


@dataclass(frozen=True, slots=True)
class DueGroup:
    """Scheduled cards that are alike: neither new nor suspended.

    Attributes:
        due_day: the learner's day on which cards in REVIEW are due; None: they are in steps.
        due_at: when their step ends; None: they are in REVIEW.
        buried_until: the learner's day from which they are shown again; None: they are not buried.
        count: how many they are.
    """

    state: State
    mature: bool
    due_day: date | None
    due_at: datetime | None
    buried_until: date | None
    count: int

    def due(self, day_of: Callable[[datetime], date]) -> DueCards | None:
        """The day on which they come up; None: they are not scheduled."""
        day = self.due_day if self.due_at is None else day_of(self.due_at)
        if day is None:
            return None
        return DueCards(
            day if self.buried_until is None else max(day, self.buried_until), self.state, self.mature, self.count
        )


@dataclass(frozen=True, slots=True)
class DueCards:
    """Scheduled cards that are alike: neither new nor suspended.

    Attributes:
        due_day: the learner's day on which they are due, be it past.
        count: how many they are.
    """

    due_day: date
    state: State
    mature: bool
    count: int


@dataclass(frozen=True, slots=True)
class ForecastDay:
    """What one day to come holds.

    Attributes:
        expected_time: that it takes at the learner's pace; None: that is not known.
    """

    day: date
    young: int = 0
    mature: int = 0
    learning: int = 0
    expected_time: timedelta | None = None

    @property
    def cards(self) -> int:
        """All that are due."""
        return self.young + self.mature + self.learning


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to come.

    Attributes:
        days: every day, ascending, from today.
        overdue: of today's cards, those in REVIEW that were due before today.
    """

    days: tuple[ForecastDay, ...]
    overdue: int


def forecast(
    today: date,
    days: int,
    due: Sequence[DueCards],
    day_off: Callable[[date], bool],
    pace: timedelta | None,
) -> Forecast:
    """How many cards become due on each of the days to come, as they are scheduled now.

    Args:
        today: the learner's day, with everything that is overdue.
        days: how many, today included.
        due: the cards.
        day_off: whether a day belongs to a vacation: what would be due then waits for the first day after.
        pace: mean time of an answer; None: not known.
    """
    waiting: defaultdict[date, Counter[str]] = defaultdict(Counter)
    overdue = 0
    last = today + timedelta(days=days - 1)
    for cards in due:
        if cards.state is State.REVIEW and cards.due_day < today:
            overdue += cards.count
        day = max(today, cards.due_day)
        while day <= last and day_off(day):
            day += timedelta(days=1)
        sort = "learning" if cards.state.in_steps else "mature" if cards.mature else "young"
        waiting[day][sort] += cards.count
    made = []
    for index in range(days):
        day = today + timedelta(days=index)
        counts = waiting[day]
        expected = None if pace is None else pace * sum(counts.values())
        made.append(ForecastDay(day, counts["young"], counts["mature"], counts["learning"], expected))
    return Forecast(tuple(made), overdue if not day_off(today) else 0)


def _place(group: CardGroup) -> str:
    if group.suspended:
        return "suspended"
    if group.state is State.REVIEW:
        return "mature" if group.mature else "young"
    return group.state.value
