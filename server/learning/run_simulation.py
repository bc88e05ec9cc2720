"""Simulates study. Not an RPC: the job that SimulateWorkload starts does it."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np

from server.kernel.clock import Clock
from server.kernel.identity import UserId
from server.learning.domain.calendar import LearnerCalendar
from server.learning.domain.fsrs import DEFAULT_WEIGHTS
from server.learning.domain.simulation import (
    MOST_CARDS,
    Deck,
    Habits,
    Plan,
    Workload,
    deck_of,
    habits,
    runs_for,
    simulate,
    study_seconds,
)
from server.learning.simulate_workload import Simulation
from server.learning.storage import Executor, U, UnitOfWorkFactory

Report = Callable[[int, int, str], None]
"""Says how far it is: simulated days done, days in all, and the stage."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What one desired retention leads to, each day averaged over the runs.

    Attributes:
        reviews, new_cards: of each day.
        seconds: that each day takes; None: the learner's pace is not known.
        remembered: cards remembered at the end: the sum of the recall probabilities of all.
    """

    desired_retention: float
    reviews: tuple[float, ...]
    new_cards: tuple[float, ...]
    seconds: tuple[float, ...] | None
    remembered: float


class RunSimulation(Generic[U]):
    """Simulates.

    Args:
        unit_of_work: opens a transaction.
        in_thread: computes off the event loop.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory[U], in_thread: Executor, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._in_thread = in_thread
        self._clock = clock

    async def __call__(self, job_id: str, user_id: UserId, wanted: Simulation, report: Report) -> Sequence[Scenario]:
        """A scenario for each desired retention, in their order; the same again for the same job and log."""
        async with self._unit_of_work() as uow:
            calendar = LearnerCalendar(await uow.learning_settings.regimes(user_id))
            settings = (await uow.learning_settings.standing(user_id)).regime.settings
            cards = await uow.statistics.known_cards(user_id)
            found = habits(await uow.statistics.answer_counts(user_id))
        today = calendar.day_of(self._clock.now())
        plan = Plan(
            weights=settings.fsrs_weights or DEFAULT_WEIGHTS,
            days=wanted.days,
            new_cards_per_day=_or(wanted.new_cards_per_day, settings.new_cards_per_day),
            reviews_per_day=_or(wanted.reviews_per_day, settings.reviews_per_day),
            max_interval_days=settings.max_days,
        )
        seed = zlib.crc32(job_id.encode())
        size = wanted.deck_size or min(max(1, len(cards)), MOST_CARDS)
        deck = deck_of([card.start(today, plan.weights) for card in cards], size, seed)
        runs = runs_for(deck.size, plan.days)
        whole = runs * plan.days * len(wanted.desired_retentions)
        report(0, whole, "simulation.running")
        scenarios: list[Scenario] = []
        for retention in wanted.desired_retentions:
            workloads: list[Workload] = []
            for run in range(runs):
                workloads.append(await self._in_thread(_work(deck, plan, found, retention, seed + run)))
                report((len(scenarios) * runs + run + 1) * plan.days, whole, "simulation.running")
            scenarios.append(_mean(retention, workloads, found))
        return scenarios


def _work(deck: Deck, plan: Plan, found: Habits, retention: float, seed: int) -> Callable[[], Workload]:
    return lambda: simulate(deck, plan, found, retention, seed)


def _mean(retention: float, workloads: Sequence[Workload], found: Habits) -> Scenario:
    mean = Workload(
        np.mean([each.reviews for each in workloads], axis=0),
        np.mean([each.lapses for each in workloads], axis=0),
        np.mean([each.new_cards for each in workloads], axis=0),
        float(np.mean([each.remembered for each in workloads])),
    )
    seconds = study_seconds(mean, found)
    return Scenario(
        retention,
        tuple(mean.reviews.tolist()),
        tuple(mean.new_cards.tolist()),
        None if seconds is None else tuple(seconds.tolist()),
        mean.remembered,
    )


def _or(given: int | None, otherwise: int) -> int:
    return otherwise if given is None else given
