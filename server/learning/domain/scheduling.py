"""What an answer does to a card's schedule, whatever the algorithm: steps, graduation, lapses, days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from server.learning.domain.algorithm import Algorithm, fuzz_of, fuzzed
from server.learning.domain.card import CardId, Schedule, Scheduler, State
from server.learning.domain.fsrs import fsrs
from server.learning.domain.review import Outcome, Rating
from server.learning.domain.settings import LearningSettings, Regime, Vacation, due_day_after
from server.learning.domain.sm2 import sm2

LAST_DAY = date(9000, 1, 1)
"""No card is due later."""


def algorithm_of(settings: LearningSettings) -> Algorithm:
    """The algorithm that settings ask for."""
    if settings.scheduler is Scheduler.FSRS:
        return fsrs(settings.fsrs_weights, settings.desired_retention, settings.max_days)
    return sm2(settings.starting_ease, settings.graduating_days, settings.easy_days, settings.max_days)


@dataclass(frozen=True, slots=True)
class Rescheduled:
    """A schedule after an answer, and what the answer gave."""

    schedule: Schedule
    outcome: Outcome


def answer(
    schedule: Schedule,
    rating: Rating,
    at: datetime,
    regime: Regime,
    vacations: Sequence[Vacation],
    card_id: CardId,
    repetition: int,
) -> Rescheduled:
    """What an answer makes of a schedule.

    The steps are those of py-fsrs 6.3.2 for every algorithm: AGAIN goes to the first step, HARD repeats the step (the
    first one with the mean of the first two, or one and a half of the only one), GOOD goes on, EASY graduates. A step
    that the settings no longer have graduates with any correct answer.

    Args:
        at: effective time of the answer.
        regime: what was in force then.
        vacations: all of the learner's, ascending and apart.
        repetition: answers of the card before, the seed of its fuzz.
    """
    settings, days = regime.settings, regime.days
    algorithm = algorithm_of(settings)
    today = days.day_of(at)
    elapsed = 0 if schedule.memory_day is None else max(0, (today - schedule.memory_day).days)
    interval = schedule.interval.days if schedule.state is State.REVIEW and schedule.interval is not None else 0
    recall = algorithm.answer(schedule.memory, schedule.state, rating, elapsed, interval)
    step = _step(schedule, rating, settings)
    if step is not None:
        state, index, length = step
        after = Schedule(
            scheduler=settings.scheduler,
            state=state,
            step=index,
            due_at=at + length,
            interval=length,
            memory=recall.memory,
            memory_day=today,
        )
    else:
        given = recall.days
        if settings.fuzz:
            given = fuzzed(given, fuzz_of(card_id, repetition), settings.max_days)
        base = min(LAST_DAY, today + timedelta(days=given))
        after = Schedule(
            scheduler=settings.scheduler,
            state=State.REVIEW,
            due_day=_due(base, today, vacations),
            base_due_day=base,
            interval=timedelta(days=given),
            memory=recall.memory,
            memory_day=today,
        )
    due = after.due_at if after.due_day is None else days.start_of(after.due_day)
    outcome = Outcome(
        scheduler=settings.scheduler,
        scheduler_version=algorithm.version,
        state_before=schedule.state,
        state_after=after.state,
        interval=after.interval,
        due_at=due,
        due_day=after.due_day,
        step=after.step,
        memory=after.memory,
        retrievability_before=recall.retrievability,
    )
    return Rescheduled(after, outcome)


def shifted(schedule: Schedule, vacations: Sequence[Vacation]) -> Schedule:
    """A schedule with the due day that vacations make of it."""
    if schedule.base_due_day is None or schedule.memory_day is None:
        return schedule
    return replace(schedule, due_day=_due(schedule.base_due_day, schedule.memory_day, vacations))


def retrievability(schedule: Schedule, today: date, settings: LearningSettings) -> float | None:
    """FSRS: the chance of remembering today, 0 to 1; None under SM-2 and where the card is new."""
    if schedule.memory_day is None or schedule.scheduler is not Scheduler.FSRS:
        return None
    elapsed = max(0, (today - schedule.memory_day).days)
    weights = fsrs(settings.fsrs_weights, settings.desired_retention, settings.max_days)
    return weights.retrievability(schedule.memory, elapsed)


def _due(base: date, answered: date, vacations: Sequence[Vacation]) -> date:
    return min(LAST_DAY, due_day_after(base, answered, vacations))


def _step(schedule: Schedule, rating: Rating, settings: LearningSettings) -> tuple[State, int, timedelta] | None:
    """The state, the step and its length after an answer; None: the card is in REVIEW."""
    if schedule.state is State.REVIEW:
        if rating.correct or not settings.relearning_steps:
            return None
        return State.RELEARNING, 0, settings.relearning_steps[0]
    relearning = schedule.state is State.RELEARNING
    state, steps = (
        (State.RELEARNING, settings.relearning_steps) if relearning else (State.LEARNING, settings.learning_steps)
    )
    step = schedule.step or 0
    if not steps or rating is Rating.EASY or (rating.correct and step >= len(steps)):
        return None
    if rating is Rating.AGAIN:
        return state, 0, steps[0]
    if rating is Rating.HARD:
        return state, step, _hard_step(steps, step)
    return None if step + 1 == len(steps) else (state, step + 1, steps[step + 1])


def _hard_step(steps: Sequence[timedelta], step: int) -> timedelta:
    if step > 0:
        return steps[step]
    length = steps[0] * 1.5 if len(steps) == 1 else (steps[0] + steps[1]) / 2
    return timedelta(seconds=int(length.total_seconds() + 0.5))
