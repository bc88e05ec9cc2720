"""What a scheduling algorithm answers, and the fuzz that all of them share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

from server.learning.domain.card import CardId, Memory, State
from server.learning.domain.review import Rating

_FUZZ = ((2.5, 7.0, 0.15), (7.0, 20.0, 0.10), (20.0, float("inf"), 0.05))
_LEAST_FUZZED = 2.5


@dataclass(frozen=True, slots=True)
class Recall:
    """What an answer did to a memory.

    Attributes:
        memory: after it.
        days: the interval if the card is in REVIEW after it, before fuzz, at least 1.
        retrievability: the chance of remembering just before it, 0 to 1; None where the algorithm has none.
    """

    memory: Memory
    days: int
    retrievability: float | None


class Algorithm(Protocol):
    """Schedules cards. Pure: the same arguments give the same answer."""

    @property
    def version(self) -> str:
        """Its name and version, as it is kept with every review."""
        ...

    def knows(self, memory: Memory) -> bool:
        """Whether a memory is one of this algorithm's."""
        ...

    def answer(self, memory: Memory, state: State, rating: Rating, elapsed: int, days: int) -> Recall:
        """What an answer gives.

        Args:
            memory: before; one that it does not know is a new one.
            state: of the card before.
            elapsed: learner's days since the last answer, at least 0.
            days: the interval of a card in REVIEW; no matter in other states.
        """
        ...

    def retrievability(self, memory: Memory, elapsed: float) -> float | None:
        """The chance of remembering after some days, 0 to 1; None where the algorithm has none."""
        ...


def fuzz_of(card_id: CardId, repetition: int) -> float:
    """The chance that fuzz takes for one repetition of one card: the same for its preview, its answer and its replay.

    Args:
        repetition: answers before.

    Returns:
        At least 0, less than 1: the first 53 bits of SHA-256 over `<card id>:<repetition>`, over 2 to the 53rd.
    """
    digest = hashlib.sha256(f"{card_id}:{repetition}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)


def fuzzed(days: int, chance: float, longest: int) -> int:
    """Spreads an interval a little, so that cards learnt together part.

    The ranges are those of FSRS (py-fsrs 6.3.2, `Scheduler._get_fuzzed_interval`): 1 day, and 0.15 of what lies between
    2.5 and 7 days, 0.10 of what lies between 7 and 20, and 0.05 of the rest. Intervals under 2.5 days stay.

    Args:
        days: at least 1.
        chance: at least 0, less than 1.
        longest: the longest interval; never passed.
    """
    if days < _LEAST_FUZZED:
        return days
    delta = 1.0 + sum(factor * max(min(float(days), end) - start, 0.0) for start, end, factor in _FUZZ)
    highest = min(round(days + delta), longest)
    lowest = min(max(2, round(days - delta)), highest)
    return min(round(chance * (highest - lowest + 1) + lowest), longest)
