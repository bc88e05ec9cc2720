"""Cards as the replay of their log.

Cards of one sentence are replayed together, because answering one can bury the others. Each event takes effect under
the settings and the days that were in force at its time. Where a regime began that moves cards, every card that is not
new is replayed up to then as if the algorithm of that regime had always been in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from server.learning.domain.card import (
    LONGEST_ANSWER,
    Card,
    CardId,
    Counts,
    Progress,
    Schedule,
    Skill,
    State,
)
from server.learning.domain.review import (
    KIND_IN,
    Action,
    Answer,
    AnswerEffect,
    Event,
    Mark,
    Outcome,
    Placed,
    Placement,
    Rating,
    Reset,
    ReviewId,
    ReviewKind,
)
from server.learning.domain.scheduling import algorithm_of, answer, shifted
from server.learning.domain.settings import Regime, Regimes, Vacation

_ANSWERS = frozenset(KIND_IN.values())


@dataclass(frozen=True, slots=True)
class Subject:
    """A card as far as its log does not say.

    Attributes:
        created_at: an answer to a sibling from before does not bury it.
    """

    id: CardId
    skill: Skill
    created_at: datetime

    @staticmethod
    def of(card: Card) -> Subject:
        """What a replay needs of a card."""
        return Subject(card.id, card.skill, card.created_at)


@dataclass(slots=True)
class Replay:
    """The cards of one sentence, after some events.

    Attributes:
        progress: each card.
        outcomes: what each answer and reset gave, by id.
        effects: what each answer is to the statistics, by id.
    """

    subjects: Mapping[CardId, Subject]
    vacations: Sequence[Vacation]
    progress: dict[CardId, Progress]
    outcomes: dict[ReviewId, Outcome] = field(default_factory=dict)
    effects: dict[ReviewId, AnswerEffect] = field(default_factory=dict)

    def apply(self, event: Event, regime: Regime) -> None:
        """Goes on by one event, the next one in the order of the log."""
        before = self.progress[event.card_id]
        if isinstance(event, Answer):
            self._answer(event, before, regime)
        elif isinstance(event, Reset):
            self._reset(event, before, regime)
        elif isinstance(event, Placed):
            self.progress[event.card_id] = placed(event, before, regime, self.vacations)
        else:
            self.progress[event.card_id] = _marked(before, event)

    def _answer(self, event: Answer, before: Progress, regime: Regime) -> None:
        after, outcome = answered(event, before, regime, self.vacations)
        today = regime.days.day_of(event.effective_at)
        if not event.filtered and event.placement is None and regime.settings.bury_siblings:
            outcome = replace(outcome, buried=self._bury_siblings(event, today + timedelta(days=1)))
        self.progress[event.card_id] = after
        if event.placement is None:
            self.outcomes[event.id] = outcome
        self.effects[event.id] = AnswerEffect(
            review_id=event.id,
            card_id=event.card_id,
            skill=self.subjects[event.card_id].skill,
            day=today,
            hour=regime.days.hour_of(event.effective_at),
            kind=_kind(event, outcome),
            rating=event.rating,
            time_taken=event.time_taken,
            state_before=outcome.state_before,
            state_after=outcome.state_after,
            interval_before=before.schedule.interval,
            interval_after=after.schedule.interval,
            first_of_day=before.last_answer_day != today,
            first_ever=before.last_answer_at is None,
        )

    def _bury_siblings(self, event: Answer, until: date) -> tuple[CardId, ...]:
        buried = []
        for card_id, sibling in self.progress.items():
            if card_id == event.card_id or self.subjects[card_id].created_at > event.effective_at:
                continue
            if sibling.buried_until is None or sibling.buried_until < until:
                self.progress[card_id] = replace(sibling, buried_until=until)
                buried.append(card_id)
        return tuple(sorted(buried))

    def _reset(self, event: Reset, before: Progress, regime: Regime) -> None:
        self.outcomes[event.id] = Outcome(
            scheduler=regime.settings.scheduler,
            scheduler_version=algorithm_of(regime.settings).version,
            state_before=before.schedule.state,
            state_after=State.NEW,
        )
        self.progress[event.card_id] = replace(
            before,
            schedule=Schedule(scheduler=regime.settings.scheduler),
            counts=Counts() if event.counts else before.counts,
            leech=False,
            last_event_at=event.effective_at,
        )


def replay(subjects: Iterable[Subject], events: Sequence[Event], regimes: Regimes) -> Replay:
    """Replays the cards of one sentence from nothing, up to the present regime.

    Args:
        subjects: the cards.
        events: all that stand in their log, in any order.
        regimes: all of the learner's.
    """
    known = {subject.id: subject for subject in subjects}
    first = Schedule(scheduler=regimes.all[0].settings.scheduler)
    vacations = regimes.vacations()
    state = Replay(known, vacations, {card_id: Progress(schedule=first) for card_id in known})
    ordered = sorted(events, key=lambda event: event.position)
    index = 0
    for done, event in enumerate(ordered):
        reached = regimes.index_at(event.effective_at)
        for following in range(index + 1, reached + 1):
            _move(state, ordered[:done], regimes, following)
        index = max(index, reached)
        state.apply(event, regimes.all[index])
    for following in range(index + 1, len(regimes.all)):
        _move(state, ordered, regimes, following)
    return state


def moved(schedule: Schedule, subject: Subject, events: Sequence[Event], regimes: Regimes, index: int) -> Schedule:
    """The schedule of a card where a regime begins that moves cards.

    Args:
        schedule: of the card just before.
        events: the ordered events before it; those of siblings are passed over.
        index: of the regime.
    """
    regime = regimes.all[index]
    if schedule.state is State.NEW:
        return replace(schedule, scheduler=regime.settings.scheduler)
    vacations = regimes.vacations()
    progress = Progress()
    for event in events:
        if event.card_id == subject.id and not isinstance(event, Mark):
            then = regime.in_place_of(regimes.at(event.effective_at))
            if isinstance(event, Placed):
                progress = placed(event, progress, then, vacations)
            elif isinstance(event, Reset):
                counts = Counts() if event.counts else progress.counts
                progress = replace(progress, schedule=Schedule(scheduler=then.settings.scheduler), counts=counts)
            else:
                progress, _ = answered(event, progress, then, vacations)
    return progress.schedule


def _move(state: Replay, events: Sequence[Event], regimes: Regimes, index: int) -> None:
    if not regimes.all[index].moves_cards:
        return
    for card_id, subject in state.subjects.items():
        before = state.progress[card_id]
        schedule = moved(before.schedule, subject, events, regimes, index)
        state.progress[card_id] = replace(before, schedule=schedule)


def answered(
    event: Answer, before: Progress, regime: Regime, vacations: Sequence[Vacation]
) -> tuple[Progress, Outcome]:
    """A card after an answer, siblings aside."""
    settings = regime.settings
    today = regime.days.day_of(event.effective_at)
    counts = _counted(before.counts, event)
    lapsed = before.schedule.state is State.REVIEW and not event.filtered and not event.rating.correct
    if event.placement is not None:
        schedule, outcome = (
            _placed(event.placement, event.effective_at, before.schedule, regime, vacations),
            event.placement.given,
        )
        lapsed = event.placement.kind is ReviewKind.REVIEW and not event.rating.correct
    elif event.filtered:
        schedule = before.schedule
        outcome = _unscheduled(schedule, today, regime)
    else:
        given = answer(
            before.schedule,
            event.rating,
            event.effective_at,
            regime,
            vacations,
            event.card_id,
            before.counts.repetitions,
        )
        schedule, outcome = given.schedule, given.outcome
    leech, suspended = before.leech, before.suspended
    if lapsed:
        counts = replace(counts, lapses=counts.lapses + 1)
        if event.placement is None and _reaches_leech(counts.lapses, settings.leech_threshold):
            leech = True
            suspends = settings.leech_action.value == "suspend"
            suspended = suspended or suspends
            outcome = replace(outcome, reached_leech_threshold=True, suspended=suspends)
    after = replace(
        before,
        schedule=schedule,
        counts=counts,
        leech=leech,
        suspended=suspended,
        last_answer_at=event.effective_at,
        last_answer_day=today,
        last_event_at=event.effective_at,
    )
    return after, outcome


def placed(event: Placed, before: Progress, regime: Regime, vacations: Sequence[Vacation]) -> Progress:
    """A card after it was put where another program had it."""
    return replace(
        before,
        schedule=_placed(event.placement, event.effective_at, before.schedule, regime, vacations),
        suspended=event.placement.given.suspended,
        last_event_at=event.effective_at,
    )


def _placed(
    placement: Placement, at: datetime, before: Schedule, regime: Regime, vacations: Sequence[Vacation]
) -> Schedule:
    given, today = placement.given, regime.days.day_of(at)
    if given.state_after is State.NEW:
        return Schedule(scheduler=regime.settings.scheduler)
    if given.state_after.in_steps:
        length = given.interval or timedelta(seconds=1)
        return Schedule(
            scheduler=given.scheduler,
            state=given.state_after,
            step=given.step or 0,
            due_at=given.due_at or at + length,
            interval=length,
            memory=given.memory,
            memory_day=today if before.memory_day is None or placement.kind in _ANSWERS else before.memory_day,
        )
    days = timedelta(days=max(1, (given.interval or timedelta()).days))
    due = given.due_day or today + days
    return shifted(
        Schedule(
            scheduler=given.scheduler,
            state=State.REVIEW,
            due_day=due,
            base_due_day=due,
            interval=days,
            memory=given.memory,
            memory_day=due - days,
        ),
        vacations,
    )


def _kind(event: Answer, outcome: Outcome) -> ReviewKind:
    if event.placement is not None:
        return event.placement.kind
    return ReviewKind.FILTERED if event.filtered else KIND_IN[outcome.state_before]


def with_vacations(progress: Progress, vacations: Sequence[Vacation]) -> Progress:
    """A card whose due day follows the learner's vacations as they now are."""
    return replace(progress, schedule=shifted(progress.schedule, vacations))


def _unscheduled(schedule: Schedule, today: date, regime: Regime) -> Outcome:
    elapsed = 0 if schedule.memory_day is None else max(0, (today - schedule.memory_day).days)
    algorithm = algorithm_of(regime.settings)
    return Outcome(
        scheduler=regime.settings.scheduler,
        scheduler_version=algorithm.version,
        state_before=schedule.state,
        state_after=schedule.state,
        interval=schedule.interval,
        due_at=schedule.due_at if schedule.due_day is None else regime.days.start_of(schedule.due_day),
        due_day=schedule.due_day,
        step=schedule.step,
        memory=schedule.memory,
        retrievability_before=algorithm.retrievability(schedule.memory, elapsed),
    )


def _marked(before: Progress, mark: Mark) -> Progress:
    after = replace(before, last_event_at=mark.effective_at)
    match mark.action:
        case Action.SUSPEND:
            return replace(after, suspended=True)
        case Action.UNSUSPEND:
            return replace(after, suspended=False)
        case Action.UNBURY:
            return replace(after, buried_until=None)
        case Action.BURY:
            until = mark.until_day
            if until is None:
                raise ValueError("a burial has a day")
            return replace(after, buried_until=max(until, before.buried_until or until))


def _counted(counts: Counts, event: Answer) -> Counts:
    correct = event.rating is not Rating.AGAIN
    streak = counts.current_streak + 1 if correct else 0
    taken = event.time_taken
    return replace(
        counts,
        repetitions=counts.repetitions + 1,
        correct=counts.correct + correct,
        incorrect=counts.incorrect + (not correct),
        current_streak=streak,
        best_streak=max(counts.best_streak, streak),
        timed=counts.timed + (taken is not None),
        time_taken=counts.time_taken + (timedelta() if taken is None else min(taken, LONGEST_ANSWER)),
    )


def _reaches_leech(lapses: int, threshold: int) -> bool:
    """Whether lapses are the threshold, or one of every half of it (rounded up) after."""
    if threshold == 0 or lapses < threshold:
        return False
    return (lapses - threshold) % max(1, (threshold + 1) // 2) == 0
