"""Cards: one skill of one sentence in one learner's memory."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NewType

from server.errors import NotFound, Reason

CardId = NewType("CardId", str)
SentenceId = NewType("SentenceId", str)

MATURE_DAYS = 21
"""From this interval on, a card in review is mature (the seed's state)."""
LONGEST_ANSWER = timedelta(seconds=60)
"""What a longer time taken counts as, as in Anki."""


class Skill(StrEnum):
    """What a card trains. The skills of one sentence are separate memories: cards that are siblings."""

    READING = "reading"
    LISTENING = "listening"
    SPEAKING = "speaking"


class State(StrEnum):
    """Where a card stands in its schedule."""

    NEW = "new"
    LEARNING = "learning"
    REVIEW = "review"
    RELEARNING = "relearning"

    @property
    def in_steps(self) -> bool:
        """Whether a card of this state is in learning or relearning steps."""
        return self in (State.LEARNING, State.RELEARNING)


class Scheduler(StrEnum):
    """Which algorithm schedules."""

    FSRS = "fsrs"
    SM2 = "sm2"


@dataclass(frozen=True, slots=True)
class Memory:
    """What an algorithm knows of one memory; the fields of the other algorithm are None, all of a new card are.

    Attributes:
        stability: FSRS: days until retrievability falls to 0.9, at least 0.001.
        difficulty: FSRS: 1 (easy) to 10.
        ease: SM-2: what multiplies the interval, at least 1.3.
    """

    stability: float | None = None
    difficulty: float | None = None
    ease: float | None = None


NO_MEMORY = Memory()
"""What an algorithm knows of a new card."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Where a card stands.

    Attributes:
        scheduler: whose `memory` it is.
        state: as it says.
        step: the step that the card is on, from 0; None unless in steps.
        due_at: when the step ends; None unless in steps.
        due_day: the learner's day on which a card in REVIEW is due, moved by vacations; None in other states.
        base_due_day: `due_day` as it would be without vacations: `memory_day` and the interval.
        interval: what the last answer gave: whole days in REVIEW, the length of the step in steps; None when new.
        memory: what the algorithm knows.
        memory_day: the learner's day of the last answer that counted for the schedule; None when new.
    """

    scheduler: Scheduler = Scheduler.FSRS
    state: State = State.NEW
    step: int | None = None
    due_at: datetime | None = None
    due_day: date | None = None
    base_due_day: date | None = None
    interval: timedelta | None = None
    memory: Memory = NO_MEMORY
    memory_day: date | None = None

    @property
    def mature(self) -> bool:
        """Whether a card in REVIEW has an interval of `MATURE_DAYS` or more."""
        return self.state is State.REVIEW and self.interval is not None and self.interval.days >= MATURE_DAYS


@dataclass(frozen=True, slots=True)
class Counts:
    """What was answered; sums, so that they stay exact. Undone answers never count, practice without rescheduling does.

    Attributes:
        repetitions: answers.
        correct, incorrect: answers of HARD and better, and of AGAIN.
        lapses: AGAIN in REVIEW.
        current_streak, best_streak: correct answers in a row.
        timed: answers whose time taken is known.
        time_taken: their sum, each counted as at most `LONGEST_ANSWER`.
    """

    repetitions: int = 0
    correct: int = 0
    incorrect: int = 0
    lapses: int = 0
    current_streak: int = 0
    best_streak: int = 0
    timed: int = 0
    time_taken: timedelta = timedelta()

    @property
    def accuracy(self) -> float | None:
        """Correct answers over all, 0 to 1; None where there are none."""
        return self.correct / self.repetitions if self.repetitions else None

    @property
    def average_time(self) -> timedelta | None:
        """Mean of the known times taken; None where there are none."""
        return self.time_taken / self.timed if self.timed else None


@dataclass(frozen=True, slots=True)
class Progress:
    """All of a card that is replayed from the log. A card that was just added has the defaults.

    Attributes:
        leech: whether its lapses reached the threshold since it was last reset.
        suspended: whether it is left out of every queue.
        buried_until: the learner's day from which it is shown again; may be past; None: never buried, or dug up.
        last_answer_at: effective time of the last answer; None: never answered.
        last_answer_day: the learner's day of it.
        last_event_at: effective time of the latest event of any kind (undone ones left out); None: there is none.
    """

    schedule: Schedule = Schedule()
    counts: Counts = Counts()
    leech: bool = False
    suspended: bool = False
    buried_until: date | None = None
    last_answer_at: datetime | None = None
    last_answer_day: date | None = None
    last_event_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportKey:
    """Names the card of an Anki note.

    Attributes:
        note_guid: the note's.
        template_index: the template's number in its note type, from 0.
    """

    note_guid: str
    template_index: int


@dataclass(frozen=True, slots=True)
class Card:
    """A card.

    Attributes:
        new_position: place in the order in which new cards are introduced, from 1; not unique.
        import_key: what it was imported from; None: added here.
        progress: what the log made of it.
        sequence: the server sequence of its last change.
    """

    id: CardId
    sentence_id: SentenceId
    skill: Skill
    new_position: int
    import_key: ImportKey | None
    progress: Progress
    created_at: datetime
    updated_at: datetime
    sequence: int


def card_not_found(card_id: CardId) -> NotFound:
    """What a learner is told who names a card that is not theirs."""
    return NotFound(Reason.CARD_NOT_FOUND, f"You have no card {card_id}.", metadata={"card_id": card_id})
