"""Which cards a list or a queue holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum, auto

from server.learning.domain.card import SentenceId, Skill, State


@dataclass(frozen=True, slots=True)
class CardFilter:
    """Narrows cards down by what they train and by their sentence; all that are given have to hold.

    Attributes:
        skills, jlpt_levels, sources: any of these; empty: all. Levels as numbers, 5 the easiest; sources as content
            names them.
        tags: any of these; empty: all.
        min_difficulty, max_difficulty: inclusive bounds, 1 to 10; None: unbounded. A sentence without a difficulty
            passes neither.
    """

    skills: frozenset[Skill] = frozenset()
    tags: tuple[str, ...] = ()
    min_difficulty: int | None = None
    max_difficulty: int | None = None
    jlpt_levels: frozenset[int] = frozenset()
    sources: frozenset[str] = frozenset()

    @property
    def of_sentence(self) -> bool:
        """Whether it asks anything of the sentence."""
        return bool(self.tags or self.min_difficulty or self.max_difficulty or self.jlpt_levels or self.sources)


class Suspended(Enum):
    """The state of a card that is suspended, whatever it returns to."""

    SUSPENDED = auto()


@dataclass(frozen=True, slots=True)
class CardSelection:
    """The cards of a list.

    Attributes:
        filter: narrows them down.
        states: any of these; empty: all. A suspended card is in SUSPENDED only.
        sentence_ids: any of these; empty: all.
        mature, leech, buried: None: no matter.
        due_before: due before this, new cards left out; None: no matter.
        today: the learner's day.
        due_day_before: the last learner's day that begins before `due_before`; None with it.
    """

    today: date
    filter: CardFilter = field(default_factory=CardFilter)
    states: frozenset[State | Suspended] = frozenset()
    sentence_ids: tuple[SentenceId, ...] = ()
    mature: bool | None = None
    leech: bool | None = None
    buried: bool | None = None
    due_before: datetime | None = None
    due_day_before: date | None = None
