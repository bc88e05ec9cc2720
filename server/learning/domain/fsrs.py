"""FSRS-6: the memory model of stability, difficulty and retrievability.

Formulas and defaults: https://github.com/open-spaced-repetition/fsrs4anki/wiki/The-Algorithm and the package `fsrs`
6.3.2 (MIT), with which this module agrees number by number (`tests/learning/test_fsrs.py`). It is written out here and
not called there because the package counts in UTC, in whole 24 hours and with the process's chance; learning counts in
the learner's days and seeds its fuzz.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from server.errors import InvalidInput, Reason
from server.learning.domain.algorithm import Recall
from server.learning.domain.card import Memory, State
from server.learning.domain.review import Rating

VERSION = "fsrs 6.3.2"
DEFAULT_WEIGHTS = (
    0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796,
    1.4835, 0.0614, 0.2629, 1.6483, 0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
)  # fmt: skip
LOWEST_WEIGHTS = (
    0.001, 0.001, 0.001, 0.001, 1.0, 0.001, 0.001, 0.001, 0.0, 0.0, 0.001,
    0.001, 0.001, 0.001, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.1,
)  # fmt: skip
HIGHEST_WEIGHTS = (
    100.0, 100.0, 100.0, 100.0, 10.0, 4.0, 4.0, 0.75, 4.5, 0.8, 3.5,
    5.0, 0.25, 0.9, 4.0, 1.0, 6.0, 2.0, 2.0, 0.8, 0.8,
)  # fmt: skip
LEAST_STABILITY = 0.001
_USUAL_EASE = 2.5
MOST_STABILITY = 1e9
"""Days. The package has no bound; without one, hundreds of answers of EASY on one day pass the largest float."""


class Fsrs:
    """FSRS-6 with some weights.

    Args:
        weights: 21, each in the range that `check_weights` holds it to.
        retention: the chance of remembering at which a card becomes due, over 0 and under 1.
        longest: the longest interval in days.
    """

    def __init__(self, weights: Sequence[float], retention: float, longest: int) -> None:
        self._w = tuple(weights)
        self._decay = -self._w[20]
        self._factor = 0.9 ** (1 / self._decay) - 1
        self._reach = retention ** (1 / self._decay) - 1
        self._longest = longest

    @property
    def version(self) -> str:
        """The name and version of the package whose numbers these are."""
        return VERSION

    def knows(self, memory: Memory) -> bool:
        """Whether a memory has stability and difficulty."""
        return memory.stability is not None

    def answer(self, memory: Memory, state: State, rating: Rating, elapsed: int, days: int) -> Recall:
        """What an answer gives; see `Algorithm`."""
        stability, difficulty = memory.stability, memory.difficulty
        if (stability is None or difficulty is None) and state is State.REVIEW and days > 0:
            stability, difficulty = self._from_interval(days, memory.ease)
        if stability is None or difficulty is None:
            stability, difficulty = self._first_stability(rating), _bounded(self._first_difficulty(rating))
            return Recall(Memory(stability, difficulty), self.days(stability), None)
        chance = self._chance(stability, elapsed)
        if elapsed < 1:
            stability = self._same_day(stability, rating)
        elif rating is Rating.AGAIN:
            stability = self._forgotten(stability, difficulty, chance)
        else:
            stability = self._recalled(stability, difficulty, chance, rating)
        stability = min(max(stability, LEAST_STABILITY), MOST_STABILITY)
        return Recall(Memory(stability, self._next_difficulty(difficulty, rating)), self.days(stability), chance)

    def retrievability(self, memory: Memory, elapsed: float) -> float | None:
        """R(t) = (1 + factor * t / S) ^ decay, where factor = 0.9 ^ (1 / decay) - 1 and decay = -w20."""
        return None if memory.stability is None else self._chance(memory.stability, max(0.0, elapsed))

    def days(self, stability: float) -> int:
        """The days after which the chance of remembering is the desired retention, rounded, from 1 to the longest."""
        return min(max(round(float(stability / self._factor * self._reach)), 1), self._longest)

    def _from_interval(self, days: int, ease: float | None) -> tuple[float, float]:
        """The memory of a graduated card of which only SM-2's figures are known, such as an imported one.

        The interval is taken for the days until the chance is 0.9, and the difficulty is that under which GOOD would
        multiply it by the ease then (fsrs-rs, `memory_state_from_sm2`).
        """
        stability = float(min(days, MOST_STABILITY))
        growth = math.e ** self._w[8] * stability ** -self._w[9] * (math.e ** (0.1 * self._w[10]) - 1)
        difficulty = 11.0 - ((ease or _USUAL_EASE) - 1.0) / growth if growth else 10.0
        return stability, _bounded(difficulty)

    def _chance(self, stability: float, elapsed: float) -> float:
        return float((1 + self._factor * elapsed / stability) ** self._decay)

    def _first_stability(self, rating: Rating) -> float:
        return max(self._w[rating - 1], LEAST_STABILITY)

    def _first_difficulty(self, rating: Rating) -> float:
        return float(self._w[4] - math.e ** (self._w[5] * (rating - 1)) + 1)

    def _next_difficulty(self, difficulty: float, rating: Rating) -> float:
        change = -(self._w[6] * (rating - 3))
        damped = difficulty + (10.0 - difficulty) * change / 9.0
        return _bounded(self._w[7] * self._first_difficulty(Rating.EASY) + (1 - self._w[7]) * damped)

    def _same_day(self, stability: float, rating: Rating) -> float:
        growth = math.e ** (self._w[17] * (rating - 3 + self._w[18])) * stability ** -self._w[19]
        return float(stability * (max(growth, 1.0) if rating.correct else growth))

    def _forgotten(self, stability: float, difficulty: float, chance: float) -> float:
        long_term = (
            self._w[11]
            * difficulty ** -self._w[12]
            * ((stability + 1) ** self._w[13] - 1)
            * math.e ** ((1 - chance) * self._w[14])
        )
        return float(min(long_term, stability / math.e ** (self._w[17] * self._w[18])))

    def _recalled(self, stability: float, difficulty: float, chance: float, rating: Rating) -> float:
        penalty = self._w[15] if rating is Rating.HARD else 1
        bonus = self._w[16] if rating is Rating.EASY else 1
        growth = (
            math.e ** self._w[8]
            * (11 - difficulty)
            * stability ** -self._w[9]
            * (math.e ** ((1 - chance) * self._w[10]) - 1)
            * penalty
            * bonus
        )
        return float(stability * (1 + growth))


@lru_cache(maxsize=1024)
def fsrs(weights: tuple[float, ...] | None, retention: float, longest: int) -> Fsrs:
    """The algorithm under some settings; None: the default weights."""
    return Fsrs(weights or DEFAULT_WEIGHTS, retention, longest)


def check_weights(weights: Sequence[float], field: str) -> None:
    """Holds weights to the ranges in which the algorithm works (those of the package).

    Args:
        weights: 21.
        field: their path in the request.

    Raises:
        InvalidInput: SCHEDULER_WEIGHTS_INVALID.
    """
    for index, (weight, lowest, highest) in enumerate(zip(weights, LOWEST_WEIGHTS, HIGHEST_WEIGHTS, strict=True)):
        if not lowest <= weight <= highest:
            raise InvalidInput(
                f"{field}[{index}]",
                f"is {weight:g}; FSRS works with {lowest:g} to {highest:g}",
                reason=Reason.SCHEDULER_WEIGHTS_INVALID,
                metadata={"lowest": f"{lowest:g}", "highest": f"{highest:g}"},
            )


def _bounded(difficulty: float) -> float:
    return min(max(difficulty, 1.0), 10.0)
