"""How much there is to decode, and whether another speaker can be served as well as those who speak already."""

from __future__ import annotations

import threading
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Promise:
    """What every speaker who was let in gets, and what is taken for granted until it has been measured.

    Attributes:
        interval: seconds between two texts of an utterance, at most.
        utterance: seconds of speech between two finals of a speaker; learners' sentences take 2 to 8 s.
        share: how much of the threads' time may be promised. What is left is for what comes all at once.
        partial: seconds of one thread for a partial.
        final: seconds of one thread for a final.
        memory: weight of the newest measurement in the mean.
        doubt: how many times what is taken for granted a measurement counts at most, and at least one by as much: a
            hiccup of the machine must not close the server.
    """

    interval: float = 1.5
    utterance: float = 4.0
    share: float = 0.85
    partial: float = 0.2
    final: float = 0.35
    memory: float = 0.05
    doubt: float = 2.5


class Load:
    """Measures what decoding costs here and now, as an exponentially weighted mean.

    Args:
        workers: threads that decode.
        promise: what speakers get.
    """

    def __init__(self, workers: int, promise: Promise) -> None:
        self._workers = workers
        self._promise = promise
        self._partial = promise.partial
        self._final = promise.final
        self._lock = threading.Lock()

    def partial_took(self, seconds: float) -> None:
        """Takes in what a partial cost. Called by any thread."""
        with self._lock:
            self._partial = self._mean(self._partial, seconds, self._promise.partial)

    def final_took(self, seconds: float) -> None:
        """Takes in what a final cost. Called by any thread."""
        with self._lock:
            self._final = self._mean(self._final, seconds, self._promise.final)

    @property
    def speaker(self) -> float:
        """Seconds of a thread that one speaker needs in a second."""
        return self._partial / self._promise.interval + self._final / self._promise.utterance

    @property
    def most(self) -> int:
        """How many speakers at once can be promised what they get; one always can."""
        return max(1, int(self._workers * self._promise.share / self.speaker))

    def _mean(self, mean: float, seconds: float, usual: float) -> float:
        believed = min(max(seconds, usual / self._promise.doubt), usual * self._promise.doubt)
        return mean + self._promise.memory * (believed - mean)
