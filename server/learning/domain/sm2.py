"""Modified SM-2: an ease factor multiplies the interval.

SM-2 as SuperMemo published it (https://super-memory.com/english/ol/sm2.htm), with the changes that Anki made to it
(four buttons, delays of overdue cards count, early answers gain little): https://faqs.ankiweb.net/what-spaced-repetition-algorithm
"""

from __future__ import annotations

from functools import lru_cache

from server.learning.domain.algorithm import Recall
from server.learning.domain.card import Memory, State
from server.learning.domain.review import Rating

VERSION = "sm2 1"
LEAST_EASE = 1.3
MOST_EASE = 100.0
_CHANGE = {Rating.AGAIN: -0.20, Rating.HARD: -0.15, Rating.GOOD: 0.0, Rating.EASY: 0.15}
_HARD = 1.2
_EASY = 1.3


class Sm2:
    """Modified SM-2 under some settings.

    Args:
        starting_ease: the ease that a card starts with, at least 1.3.
        graduating, easy: first intervals in days of a card that passed its learning steps, and with EASY.
        longest: the longest interval in days.
    """

    def __init__(self, starting_ease: float, graduating: int, easy: int, longest: int) -> None:
        self._starting_ease = starting_ease
        self._graduating = graduating
        self._easy = easy
        self._longest = longest

    @property
    def version(self) -> str:
        """Of this module."""
        return VERSION

    def knows(self, memory: Memory) -> bool:
        """Whether a memory has an ease factor."""
        return memory.ease is not None

    def answer(self, memory: Memory, state: State, rating: Rating, elapsed: int, days: int) -> Recall:
        """What an answer gives; see `Algorithm`.

        The ease changes by answers to graduated cards only. A forgotten card starts again at 1 day (2 with EASY).
        """
        ease = self._starting_ease if memory.ease is None else memory.ease
        if state is State.REVIEW:
            given = self._reviewed(ease, rating, elapsed, days)
            ease = min(max(ease + _CHANGE[rating], LEAST_EASE), MOST_EASE)
        elif state is State.RELEARNING:
            given = 2 if rating is Rating.EASY else 1
        else:
            given = self._easy if rating is Rating.EASY else self._graduating
        return Recall(Memory(ease=ease), min(max(given, 1), self._longest), None)

    def retrievability(self, memory: Memory, elapsed: float) -> float | None:
        """None: SM-2 has no such notion."""
        return None

    def _reviewed(self, ease: float, rating: Rating, elapsed: int, days: int) -> int:
        if rating is Rating.AGAIN:
            return 1
        if elapsed < days:
            return self._early(ease, rating, elapsed, days)
        delay = elapsed - days
        hard = max(_rounded(days * _HARD), days + 1)
        if rating is Rating.HARD:
            return hard
        good = max(_rounded((days + delay / 2) * ease), hard + 1)
        if rating is Rating.GOOD:
            return good
        return max(_rounded((days + delay) * ease * _EASY), good + 1)

    def _early(self, ease: float, rating: Rating, elapsed: int, days: int) -> int:
        """Before it was due: what has passed counts, and the interval does not shrink but with HARD."""
        if rating is Rating.HARD:
            return _rounded(max(elapsed * _HARD, days * _HARD / 2))
        kept = max(elapsed * ease, days)
        return _rounded(kept if rating is Rating.GOOD else kept * (_EASY - (_EASY - 1) / 2))


@lru_cache(maxsize=1024)
def sm2(starting_ease: float, graduating: int, easy: int, longest: int) -> Sm2:
    """The algorithm under some settings."""
    return Sm2(starting_ease, graduating, easy, longest)


def _rounded(days: float) -> int:
    return int(days + 0.5)
