"""A learner's settings of study, and which of them were in force when."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from server.learning.domain.card import Scheduler
from server.learning.domain.days import LearnerDays

ALWAYS = datetime(1, 1, 1, tzinfo=UTC)
"""The beginning of the first regime."""


class LeechAction(StrEnum):
    """What happens to a card that becomes a leech."""

    MARK = "mark"
    SUSPEND = "suspend"


class NewCardOrder(StrEnum):
    """In which order new cards are introduced."""

    ADDED = "added"
    EASIEST_FIRST = "easiest_first"


@dataclass(frozen=True, slots=True)
class DayLimits:
    """Limits for one day; None: the usual one."""

    day: date
    new_cards: int | None = None
    reviews: int | None = None


@dataclass(frozen=True, slots=True)
class Vacation:
    """A time away from study.

    Attributes:
        last_day: not before the first; None: until it is removed from the settings.
    """

    first_day: date
    last_day: date | None = None

    def covers(self, day: date) -> bool:
        """Whether a day is off."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)


@dataclass(frozen=True, slots=True)
class LearningSettings:
    """Settings; the defaults are Anki's.

    Attributes:
        desired_retention: FSRS: 0.7 to 0.99.
        fsrs_weights: FSRS: 21; None: the default ones.
        starting_ease: SM-2: 1.3 to 5.
        learning_steps, relearning_steps: at most 10 each, whole seconds, 1 s to 30 days.
        graduating_days, easy_days: SM-2: 1 to 365.
        max_days: longest interval, 1 to 36500.
        new_cards_per_day, reviews_per_day: 0 to 9999.
        today_limits: take their place on one day.
        learn_ahead: 0 to 24 h.
        leech_threshold: lapses, 0 to 99; 0: there are no leeches.
    """

    scheduler: Scheduler = Scheduler.FSRS
    desired_retention: float = 0.9
    fsrs_weights: tuple[float, ...] | None = None
    starting_ease: float = 2.5
    learning_steps: tuple[timedelta, ...] = (timedelta(minutes=1), timedelta(minutes=10))
    relearning_steps: tuple[timedelta, ...] = (timedelta(minutes=10),)
    graduating_days: int = 1
    easy_days: int = 4
    max_days: int = 36500
    fuzz: bool = True
    new_cards_per_day: int = 20
    reviews_per_day: int = 200
    today_limits: DayLimits | None = None
    learn_ahead: timedelta = timedelta(minutes=20)
    new_card_order: NewCardOrder = NewCardOrder.ADDED
    bury_siblings: bool = True
    leech_threshold: int = 8
    leech_action: LeechAction = LeechAction.MARK
    vacation: Vacation | None = None

    def new_limit(self, day: date) -> int:
        """New cards allowed on a day."""
        today = self.today_limits
        return (
            self.new_cards_per_day if today is None or today.day != day or today.new_cards is None else today.new_cards
        )

    def review_limit(self, day: date) -> int:
        """Reviews of graduated cards allowed on a day."""
        today = self.today_limits
        return self.reviews_per_day if today is None or today.day != day or today.reviews is None else today.reviews


@dataclass(frozen=True, slots=True)
class Regime:
    """What was in force from a time on.

    Attributes:
        since: from when.
        settings: the settings.
        days: how the learner's days were counted.
        moves_cards: whether its beginning moved all cards that were not new (another scheduler, or a change that was
            to move them at once).
    """

    since: datetime
    settings: LearningSettings
    days: LearnerDays
    moves_cards: bool = False

    def in_place_of(self, past: Regime) -> Regime:
        """A past regime with the algorithm of this one: what a card is replayed under when it is moved."""
        now = self.settings
        return replace(
            past,
            settings=replace(
                past.settings,
                scheduler=now.scheduler,
                desired_retention=now.desired_retention,
                fsrs_weights=now.fsrs_weights,
                starting_ease=now.starting_ease,
                graduating_days=now.graduating_days,
                easy_days=now.easy_days,
                max_days=now.max_days,
                fuzz=now.fuzz,
            ),
        )


@dataclass(frozen=True, slots=True)
class Regimes:
    """All regimes of a learner, the first one `ALWAYS`, ascending.

    Raises:
        ValueError: there is none.
    """

    all: tuple[Regime, ...]

    def __post_init__(self) -> None:
        if not self.all:
            raise ValueError("a learner always has settings")

    @property
    def present(self) -> Regime:
        """The last one."""
        return self.all[-1]

    def index_at(self, at: datetime) -> int:
        """Which one was in force at a time; the earliest one before them all."""
        return max(0, bisect_right(self.all, at, key=lambda regime: regime.since) - 1)

    def at(self, at: datetime) -> Regime:
        """The one in force at a time."""
        return self.all[self.index_at(at)]

    def vacations(self) -> tuple[Vacation, ...]:
        """The times away as they came to be, ascending, apart from each other.

        One that was changed or removed lasted until the day before the change where it had begun, else it never was.
        """
        ended: list[Vacation] = []
        for regime, following in zip(self.all, (*self.all[1:], None), strict=True):
            vacation = regime.settings.vacation
            if vacation is None or (following is not None and following.settings.vacation == vacation):
                continue
            if following is not None:
                vacation = _cut(vacation, following.days.day_of(following.since))
            if vacation is not None:
                ended.append(vacation)
        return _apart(ended)


def _cut(vacation: Vacation, day: date) -> Vacation | None:
    """What is left of a vacation that was given up on a day."""
    last = day - timedelta(days=1)
    if vacation.last_day is not None:
        last = min(last, vacation.last_day)
    return Vacation(vacation.first_day, last) if last >= vacation.first_day else None


def _apart(vacations: Sequence[Vacation]) -> tuple[Vacation, ...]:
    apart: list[Vacation] = []
    for vacation in sorted(vacations, key=lambda each: each.first_day):
        before = apart[-1] if apart else None
        if before is None or (before.last_day is not None and before.last_day < vacation.first_day):
            apart.append(vacation)
        elif before.last_day is not None:
            last = None if vacation.last_day is None else max(before.last_day, vacation.last_day)
            apart[-1] = Vacation(before.first_day, last)
    return tuple(apart)


def due_day_after(base: date, answered: date, vacations: Sequence[Vacation]) -> date:
    """The day on which a card is due when days of vacation don't count.

    Args:
        base: the day it would be due on without any.
        answered: the day of the answer that gave it.
        vacations: ascending and apart. One without a last day moves nothing yet: while it lasts nothing is due, and
            when it ends it has a last day.
    """
    day = base
    for vacation in vacations:
        if vacation.last_day is None or vacation.first_day > day:
            break
        first = max(vacation.first_day, answered + timedelta(days=1))
        if vacation.last_day >= first:
            day = min(date.max - timedelta(days=2), day + (vacation.last_day - first + timedelta(days=1)))
    return day
