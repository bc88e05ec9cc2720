"""The log: reviews, and what else was done to cards. It is the truth that cards are replayed from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NewType, TypeAlias

from server.learning.domain.card import NO_MEMORY, CardId, Memory, Scheduler, Skill, State

ReviewId = NewType("ReviewId", str)
AttemptId = NewType("AttemptId", str)

Position: TypeAlias = tuple[datetime, datetime, str]
"""Where an event stands in the log: effective time, client time, id."""


class Rating(IntEnum):
    """How well the learner remembered; the numbers are Anki's and those of FSRS."""

    AGAIN = 1
    HARD = 2
    GOOD = 3
    EASY = 4

    @property
    def correct(self) -> bool:
        """Whether it was remembered."""
        return self is not Rating.AGAIN


class ReviewKind(StrEnum):
    """What a review was to its card."""

    LEARNING = "learning"
    """An answer to a card that was new or in its learning steps."""
    REVIEW = "review"
    """An answer to a graduated card."""
    RELEARNING = "relearning"
    """An answer to a card in its relearning steps."""
    FILTERED = "filtered"
    """An answer in practice without rescheduling: no effect on the schedule."""
    MANUAL = "manual"
    """No answer: a reset."""
    RESCHEDULED = "rescheduled"
    """No answer: a change of scheduler, weights or retention moved the card."""


class RatingSource(StrEnum):
    """Where a rating came from."""

    LEARNER = "learner"
    PRACTICE = "practice"


KIND_IN = {
    State.NEW: ReviewKind.LEARNING,
    State.LEARNING: ReviewKind.LEARNING,
    State.REVIEW: ReviewKind.REVIEW,
    State.RELEARNING: ReviewKind.RELEARNING,
}
"""The kind of an answer that is scheduled, by the state of its card before."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a review did to its card.

    Attributes:
        scheduler, scheduler_version: which decided; the version as in `fsrs 6.3.2`.
        state_before, state_after: suspension aside.
        interval: whole days, or the length of the step; None where the card became new.
        due_at: when the card became due: the end of its step, or the start of `due_day` in the zone of the time.
        due_day: only where `state_after` is REVIEW.
        step: only in steps.
        memory: after the review.
        retrievability_before: FSRS: the chance of remembering just before, 0 to 1; None under SM-2 and when new.
        reached_leech_threshold: whether it made a leech, or was one of the half thresholds after.
        suspended: whether the leech action suspended the card.
        buried: siblings that were buried until the next day, ascending.
    """

    scheduler: Scheduler
    scheduler_version: str
    state_before: State
    state_after: State
    interval: timedelta | None = None
    due_at: datetime | None = None
    due_day: date | None = None
    step: int | None = None
    memory: Memory = NO_MEMORY
    retrievability_before: float | None = None
    reached_leech_threshold: bool = False
    suspended: bool = False
    buried: tuple[CardId, ...] = ()


@dataclass(frozen=True, slots=True)
class Placement:
    """Where another program had a card after an entry of its log. It is not scheduled anew here: it stands as it was.

    Attributes:
        kind: of the entry.
        given: what the entry gave there; `suspended` tells that the card was suspended there.
    """

    kind: ReviewKind
    given: Outcome


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as the learner gave it, placed in the log.

    Attributes:
        client_time: by the client's clock.
        effective_at: what the log is ordered by.
        received_at: when the server took it.
        time_taken: at most `LONGEST_ANSWER`; None: not measured.
        attempt_id: the spoken attempt that suggested a rating; None: there was none.
        suggested_rating: what it suggested.
        filtered: practice without rescheduling.
        placement: of an answer that came with another program's history: what it gave there. None: it was given here.
    """

    id: ReviewId
    card_id: CardId
    rating: Rating
    client_time: datetime
    effective_at: datetime
    received_at: datetime
    time_taken: timedelta | None = None
    rating_source: RatingSource = RatingSource.LEARNER
    attempt_id: AttemptId | None = None
    suggested_rating: Rating | None = None
    filtered: bool = False
    placement: Placement | None = None

    @property
    def position(self) -> Position:
        """Where it stands in the log."""
        return (self.effective_at, self.client_time, self.id)


@dataclass(frozen=True, slots=True)
class Reset:
    """A card made new again.

    Attributes:
        counts: whether the counts start from nothing too.
    """

    id: ReviewId
    card_id: CardId
    client_time: datetime
    effective_at: datetime
    received_at: datetime
    counts: bool = False

    @property
    def position(self) -> Position:
        """Where it stands in the log."""
        return (self.effective_at, self.client_time, self.id)


@dataclass(frozen=True, slots=True)
class Placed:
    """A card put where another program had it, without an answer: by an entry of its log, or by the import itself."""

    id: ReviewId
    card_id: CardId
    client_time: datetime
    effective_at: datetime
    received_at: datetime
    placement: Placement

    @property
    def position(self) -> Position:
        """Where it stands in the log."""
        return (self.effective_at, self.client_time, self.id)


class Action(StrEnum):
    """What a learner does to a card besides answering and resetting it."""

    SUSPEND = "suspend"
    UNSUSPEND = "unsuspend"
    BURY = "bury"
    UNBURY = "unbury"


@dataclass(frozen=True, slots=True)
class Mark:
    """A card suspended, buried, or taken back from it.

    Attributes:
        until_day: BURY: the learner's day from which it is shown again.
    """

    id: str
    card_id: CardId
    action: Action
    client_time: datetime
    effective_at: datetime
    received_at: datetime
    until_day: date | None = None

    @property
    def position(self) -> Position:
        """Where it stands in the log."""
        return (self.effective_at, self.client_time, self.id)


Event: TypeAlias = Answer | Reset | Placed | Mark
"""What the log of a card is made of."""


@dataclass(frozen=True, slots=True)
class Review:
    """An entry of the log as it is stored.

    Attributes:
        kind: what it was to its card when it was recorded; FILTERED, MANUAL and RESCHEDULED are for ever.
        rating: None where it answers nothing.
        resets_counts: of MANUAL entries.
        given: what it gave when it was recorded.
        undone_at: when it was taken back; None: it stands.
        sequence: the server sequence of its last change.
        Others: as in `Answer`.
    """

    id: ReviewId
    card_id: CardId
    kind: ReviewKind
    rating: Rating | None
    client_time: datetime
    effective_at: datetime
    received_at: datetime
    time_taken: timedelta | None
    rating_source: RatingSource | None
    attempt_id: AttemptId | None
    suggested_rating: Rating | None
    imported: bool
    resets_counts: bool
    given: Outcome
    undone_at: datetime | None
    sequence: int

    def event(self) -> Answer | Reset | Placed | None:
        """What it is in the replay; None: it was undone, or it only tells of a rescheduling."""
        if self.undone_at is not None:
            return None
        placement = Placement(self.kind, self.given) if self.imported else None
        if placement is not None and self.rating is None:
            return Placed(self.id, self.card_id, self.client_time, self.effective_at, self.received_at, placement)
        if self.kind is ReviewKind.RESCHEDULED:
            return None
        if self.kind is ReviewKind.MANUAL or self.rating is None:
            return Reset(
                self.id, self.card_id, self.client_time, self.effective_at, self.received_at, self.resets_counts
            )
        return Answer(
            id=self.id,
            card_id=self.card_id,
            rating=self.rating,
            client_time=self.client_time,
            effective_at=self.effective_at,
            received_at=self.received_at,
            time_taken=self.time_taken,
            rating_source=self.rating_source or RatingSource.LEARNER,
            attempt_id=self.attempt_id,
            suggested_rating=self.suggested_rating,
            filtered=self.kind is ReviewKind.FILTERED,
            placement=placement,
        )


@dataclass(frozen=True, slots=True)
class AnswerEffect:
    """What one answer is to the statistics, as the replay of the whole log has it now.

    Attributes:
        day, hour: the learner's day and hour (0 to 23) of its effective time, in the zone of that time.
        kind: derived in the replay; never MANUAL or RESCHEDULED.
        time_taken: at most `LONGEST_ANSWER`; None: not measured.
        state_before, state_after, interval_before, interval_after: of the card.
        first_of_day: whether the card's answer before was of another day, or there was none.
        first_ever: whether the card had no answer before.
    """

    review_id: ReviewId
    card_id: CardId
    skill: Skill
    day: date
    hour: int
    kind: ReviewKind
    rating: Rating
    time_taken: timedelta | None
    state_before: State
    state_after: State
    interval_before: timedelta | None
    interval_after: timedelta | None
    first_of_day: bool
    first_ever: bool
