"""The work that a desired retention leads to, by simulating study day after day (Monte Carlo).

Each day, the due cards come up, the most forgotten first, within the day's limit; each is remembered with the chance
that FSRS gives it, and rated as the learner rates. Then new cards are introduced. A forgotten card is learnt again on
the same day. Time within a day is not simulated, so steps of learning cost time but change no memory.

Formulas: FSRS-6, https://github.com/open-spaced-repetition/awesome-fsrs/wiki/The-Algorithm.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from server.learning.domain.card import Memory
from server.learning.domain.figures import RATINGS
from server.learning.domain.review import Rating, ReviewKind

Floats: TypeAlias = NDArray[np.float64]

MOST_CARDS = 20_000
"""Cards of a simulated deck; the contract says so."""
_CARD_DAYS = 20_000_000
"""Simulated days of cards that one scenario may cost: what bounds the number of its runs."""
_MOST_RUNS = 20
_FIRST_RATINGS = (0.24, 0.094, 0.495, 0.171)
_REMEMBERED_RATINGS = (0.224, 0.631, 0.145)
"""How people rate, by fsrs-rs's default simulator: first answers again to easy, remembered ones hard to easy."""
_ENOUGH = 100
"""Answers from which on the learner's own habits take the place of everybody's."""
_LEAST_STABILITY, _MOST_STABILITY = 0.001, 36_500.0


@dataclass(frozen=True, slots=True)
class Habits:
    """How a learner answers.

    Attributes:
        first: shares of AGAIN, HARD, GOOD and EASY among first answers to new cards.
        remembered: shares of HARD, GOOD and EASY among remembered reviews.
        new_seconds: of study that a new card takes on its day; None: never measured.
        review_seconds: that a remembered review takes; None: never measured.
        lapse_seconds: that a forgotten one takes, with learning it again; None: never measured.
    """

    first: tuple[float, ...] = _FIRST_RATINGS
    remembered: tuple[float, ...] = _REMEMBERED_RATINGS
    new_seconds: float | None = None
    review_seconds: float | None = None
    lapse_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class AnswerCount:
    """Answers of one sort.

    Attributes:
        kind: when they were recorded.
        first: whether their cards were new.
        count: how many there are.
        timed, seconds: of them, those whose time was measured, and the sum of those times.
    """

    kind: ReviewKind
    first: bool
    rating: Rating
    count: int
    timed: int
    seconds: float


def habits(counts: Sequence[AnswerCount]) -> Habits:
    """Reads a learner's habits from their answers; those that too few tell of are everybody's."""
    first = [each for each in counts if each.first]
    learning = [each for each in counts if each.kind is ReviewKind.LEARNING]
    remembered = [each for each in counts if each.kind is ReviewKind.REVIEW and each.rating.correct]
    forgotten = [each for each in counts if each.kind is ReviewKind.REVIEW and not each.rating.correct]
    relearning = [each for each in counts if each.kind is ReviewKind.RELEARNING]
    usual = _seconds([*remembered, *forgotten, *learning])
    # A card's steps take several answers: each card that goes through them costs its share of them all.
    new, review, again, steps = (
        _seconds(learning),
        _seconds(remembered),
        _seconds(forgotten),
        _seconds(relearning) or 0.0,
    )
    return Habits(
        _shares(first, RATINGS, _FIRST_RATINGS),
        _shares(remembered, RATINGS[1:], _REMEMBERED_RATINGS),
        _times(new if new is not None else usual, max(1.0, _ratio(learning, first, 1.0))),
        review if review is not None else usual,
        None if usual is None else (again if again is not None else usual) + steps * _ratio(relearning, forgotten, 0.0),
    )


@dataclass(frozen=True, slots=True)
class Deck:
    """Cards at the start of a simulation, one an item of each array.

    Attributes:
        stability: in days; NaN: the card is new.
        difficulty: 1 to 10; NaN where it is new.
        elapsed: days since the last review; 0 where it is new.
        due: days from the start until it is due, negative where it is overdue; 0 where it is new.
    """

    stability: Floats
    difficulty: Floats
    elapsed: Floats
    due: Floats

    @property
    def size(self) -> int:
        """Cards in all."""
        return len(self.stability)


@dataclass(frozen=True, slots=True)
class KnownCard:
    """A card of the learner's, as they left it.

    Attributes:
        memory: FSRS's or SM-2's; empty where the card is new.
        interval_days: that the last answer gave; 0 in steps.
        memory_day: the learner's day of the last answer that counted; None where it is new.
        due_day: the learner's day on which it is due; None where it is new or in steps.
    """

    memory: Memory
    interval_days: float
    memory_day: date | None
    due_day: date | None

    def start(self, today: date, weights: Sequence[float]) -> tuple[float, float, float, float]:
        """Its place in a deck that starts today."""
        if self.memory_day is None:
            return _NEW
        stability, difficulty = self.memory.stability, self.memory.difficulty
        if stability is None or difficulty is None:
            if self.memory.ease is None:
                return _NEW
            stability, difficulty = memory_from_sm2(self.memory.ease, max(1.0, self.interval_days), weights)
        due = today if self.due_day is None else self.due_day
        return stability, difficulty, float(max(0, (today - self.memory_day).days)), float((due - today).days)


_NEW = (math.nan, math.nan, 0.0, 0.0)


def deck_of(cards: Sequence[tuple[float, float, float, float]], size: int, seed: int) -> Deck:
    """A deck of a size: of the learner's cards, a random sample where they are more, new ones added where less.

    Args:
        cards: stability, difficulty, elapsed and due of each, as in `Deck`.
        size: of the deck.
        seed: of the sample.
    """
    known = np.array(cards, dtype=np.float64).reshape(-1, 4)
    if len(known) > size:
        known = known[np.sort(np.random.default_rng(seed).choice(len(known), size, replace=False))]
    added = np.tile(np.array(_NEW), (size - len(known), 1))
    return Deck(*np.concatenate([known, added]).T.copy())


def memory_from_sm2(ease_factor: float, interval_days: float, weights: Sequence[float]) -> tuple[float, float]:
    """The stability and difficulty that a card of SM-2 stands for, taking 0.9 as the retention that SM-2 gave.

    The inverse of FSRS's growth of stability, as in `memory_state_from_sm2` of fsrs-rs.
    """
    stability = min(max(interval_days, _LEAST_STABILITY), _MOST_STABILITY)
    growth = math.exp(weights[8]) * stability ** -weights[9] * math.expm1(weights[10] * 0.1)
    return stability, min(max(11 - (ease_factor - 1) / growth, 1.0), 10.0)


@dataclass(frozen=True, slots=True)
class Plan:
    """How the learner means to study.

    Attributes:
        weights: FSRS-6's 21.
        days: to simulate.
        new_cards_per_day, reviews_per_day: the limits.
        max_interval_days: the longest interval.
    """

    weights: tuple[float, ...]
    days: int
    new_cards_per_day: int
    reviews_per_day: int
    max_interval_days: int


@dataclass(frozen=True, slots=True)
class Workload:
    """What one run came to.

    Attributes:
        reviews, lapses, new_cards: for each day, how many there were; `reviews` has the lapses too.
        remembered: the sum of the recall probabilities of all cards at the end of the last day.
    """

    reviews: Floats
    lapses: Floats
    new_cards: Floats
    remembered: float


def runs_for(deck_size: int, days: int) -> int:
    """How often to simulate one scenario: more often where it costs little, for a smoother mean."""
    return max(1, min(_MOST_RUNS, _CARD_DAYS // max(1, deck_size * days)))


def simulate(deck: Deck, plan: Plan, habits: Habits, desired_retention: float, seed: int) -> Workload:
    """Studies for a time, once.

    Args:
        deck: where it starts.
        plan: how the learner means to study.
        habits: how they answer.
        desired_retention: the chance of remembering at which cards become due, 0 to 1 exclusive.
        seed: of all chance in it; the same arguments give the same workload.
    """
    random = np.random.default_rng(seed)
    memory = _Memory(plan.weights)
    stability, difficulty = deck.stability.copy(), deck.difficulty.copy()
    last, due = -deck.elapsed, deck.due.copy()
    unseen = np.flatnonzero(np.isnan(stability))
    due[unseen] = np.inf
    figures = np.zeros((3, plan.days))
    longest = float(plan.max_interval_days)
    for day in range(plan.days):
        waiting = np.flatnonzero(due <= day)
        recall = memory.recall(day - last[waiting], stability[waiting])
        if len(waiting) > plan.reviews_per_day:
            chosen = np.argsort(recall, kind="stable")[: plan.reviews_per_day]
            waiting, recall = waiting[chosen], recall[chosen]
        known = random.random(len(waiting)) < recall
        ratings = np.where(known, random.choice((2, 3, 4), len(waiting), p=habits.remembered), 1)
        stability[waiting], difficulty[waiting] = memory.reviewed(
            stability[waiting], difficulty[waiting], recall, ratings
        )
        fresh, unseen = unseen[: plan.new_cards_per_day], unseen[plan.new_cards_per_day :]
        stability[fresh], difficulty[fresh] = memory.first(random.choice((1, 2, 3, 4), len(fresh), p=habits.first))
        seen = np.concatenate([waiting, fresh])
        last[seen] = day
        due[seen] = day + memory.interval(stability[seen], desired_retention, longest)
        figures[:, day] = len(waiting), len(waiting) - known.sum(), len(fresh)
    learnt = np.flatnonzero(~np.isnan(stability))
    remembered = memory.recall(plan.days - last[learnt], stability[learnt]).sum()
    reviews, lapses, new_cards = figures
    return Workload(reviews, lapses, new_cards, float(remembered))


def study_seconds(workload: Workload, habits: Habits) -> Floats | None:
    """The seconds that each day of a workload takes; None where the learner's pace is not known."""
    if habits.new_seconds is None or habits.review_seconds is None or habits.lapse_seconds is None:
        return None
    remembered = workload.reviews - workload.lapses
    return (
        remembered * habits.review_seconds
        + workload.lapses * habits.lapse_seconds
        + workload.new_cards * habits.new_seconds
    )


class _Memory:
    """FSRS-6 on arrays."""

    def __init__(self, weights: Sequence[float]) -> None:
        self._w = np.array(weights, dtype=np.float64)
        self._decay = -self._w[20]
        self._factor = 0.9 ** (1 / self._decay) - 1

    def recall(self, elapsed: Floats, stability: Floats) -> Floats:
        """The chance of remembering after some days."""
        return np.asarray((1 + self._factor * np.maximum(elapsed, 0) / stability) ** self._decay)

    def interval(self, stability: Floats, retention: float, longest: float) -> Floats:
        """Whole days until the chance has fallen to `retention`, 1 to `longest`."""
        days = np.round(stability / self._factor * (retention ** (1 / self._decay) - 1))
        return np.asarray(np.clip(days, 1, longest))

    def first(self, ratings: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Stability and difficulty after the first answers."""
        return self._stable(self._w[ratings - 1]), np.clip(self._first_difficulty(ratings), 1, 10)

    def reviewed(
        self, stability: Floats, difficulty: Floats, recall: Floats, ratings: NDArray[np.int64]
    ) -> tuple[Floats, Floats]:
        """Stability and difficulty after reviews."""
        w = self._w
        bonus = np.select([ratings == 2, ratings == 4], [w[15], w[16]], 1.0)
        grown = stability * (
            1 + np.exp(w[8]) * (11 - difficulty) * stability ** -w[9] * np.expm1(w[10] * (1 - recall)) * bonus
        )
        fallen = w[11] * difficulty ** -w[12] * ((stability + 1) ** w[13] - 1) * np.exp(w[14] * (1 - recall))
        fallen = np.minimum(fallen, stability / np.exp(w[17] * w[18]))
        moved = difficulty - w[6] * (ratings - 3) * (10 - difficulty) / 9
        reverted = w[7] * self._first_difficulty(np.array([4])) + (1 - w[7]) * moved
        return self._stable(np.where(ratings == 1, fallen, grown)), np.clip(reverted, 1, 10)

    def _first_difficulty(self, ratings: NDArray[np.int64]) -> Floats:
        return np.asarray(self._w[4] - np.exp(self._w[5] * (ratings - 1)) + 1)

    @staticmethod
    def _stable(stability: Floats) -> Floats:
        return np.clip(stability, _LEAST_STABILITY, _MOST_STABILITY)


def _count(counts: Iterable[AnswerCount]) -> int:
    return sum(each.count for each in counts)


def _ratio(answers: Sequence[AnswerCount], cards: Sequence[AnswerCount], otherwise: float) -> float:
    return _count(answers) / _count(cards) if cards else otherwise


def _shares(counts: Sequence[AnswerCount], ratings: Sequence[Rating], usual: tuple[float, ...]) -> tuple[float, ...]:
    whole = _count(counts)
    if whole < _ENOUGH:
        return usual
    return tuple(_count(each for each in counts if each.rating is rating) / whole for rating in ratings)


def _seconds(counts: Sequence[AnswerCount]) -> float | None:
    """The mean time of an answer; None where none was measured."""
    timed = sum(each.timed for each in counts)
    return sum(each.seconds for each in counts) / timed if timed else None


def _times(seconds: float | None, times: float) -> float | None:
    return None if seconds is None else seconds * times
