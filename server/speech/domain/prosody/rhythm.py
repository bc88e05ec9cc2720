"""Rate and pauses of an utterance, and how fluent they make it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class FluencyParameters:
    """What fluent reading is like. Calibrated by `bench.assessment`.

    Attributes:
        shortest_pause: seconds; what is shorter is no pause but part of a sound.
        fewest_morae: with fewer there is no rhythm to judge.
        rate: articulation rate, morae a second, from which on none is too slow.
        allowed_pause: seconds of a pause where one may pause that do not count.
        weights: of how far the rate is below `rate` (natural logarithm of the ratio), the share of time in pauses that
            do not belong, the number of such pauses for every ten morae, and that of breaks inside words or phrases.
        bias: log odds of being fluent without any of these.
    """

    shortest_pause: float
    fewest_morae: int
    rate: float
    allowed_pause: float
    weights: tuple[float, float, float, float]
    bias: float


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause.

    Attributes:
        start, end: seconds in the recording.
        after_mora: index of the mora before it; None where that is not known.
        expected: whether one may pause there; None where that is not known.
    """

    start: float
    end: float
    after_mora: int | None = None
    expected: bool | None = None

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How an utterance went along.

    Attributes:
        morae: how many were said.
        speech_duration: seconds from the first to the last sound.
        pauses: between the two, in order.
    """

    morae: int
    speech_duration: float
    pauses: tuple[Pause, ...]

    @property
    def pause_duration(self) -> float:
        """Seconds of all pauses."""
        return sum(pause.duration for pause in self.pauses)

    @property
    def pause_ratio(self) -> float:
        """The share of pauses in the time from first to last sound, 0 to 1."""
        return self.pause_duration / self.speech_duration

    @property
    def morae_per_second(self) -> float:
        """Morae a second, pauses included."""
        return self.morae / self.speech_duration

    @property
    def articulation_rate(self) -> float:
        """Morae a second, pauses left out."""
        return self.morae / max(self.speech_duration - self.pause_duration, 1e-3)

    @property
    def unexpected_breaks(self) -> tuple[Pause, ...]:
        """Pauses inside words or phrases."""
        return tuple(pause for pause in self.pauses if pause.expected is False)


def measure_rhythm(starts: Floats, ends: Floats, may_pause: Sequence[bool], shortest_pause: float) -> Rhythm | None:
    """Rate and pauses.

    Args:
        starts, ends: seconds of the morae that were said, in order; what lies between one's end and the next's start is
            silence.
        may_pause: for each of them, whether one may pause after it.
        shortest_pause: seconds.

    Returns:
        None when nothing was said.
    """
    if len(starts) == 0 or ends[-1] <= starts[0]:
        return None
    gaps = starts[1:] - ends[:-1]
    pauses = tuple(
        Pause(float(ends[mora]), float(starts[mora + 1]), int(mora), may_pause[int(mora)])
        for mora in np.flatnonzero(gaps >= shortest_pause)
    )
    return Rhythm(len(starts), float(ends[-1] - starts[0]), pauses)


def disfluency(rhythm: Rhythm, parameters: FluencyParameters) -> tuple[float, float, float, float]:
    """What makes a reading halting, each from 0 up; the order is that of `FluencyParameters.weights`."""
    tens = max(rhythm.morae, 10) / 10
    # A pause where one may pause counts with what is long about it.
    excess = [
        max(0.0, pause.duration - parameters.allowed_pause) if pause.expected else pause.duration
        for pause in rhythm.pauses
    ]
    wrong = [seconds for seconds in excess if seconds > 0]
    return (
        max(0.0, math.log(parameters.rate / rhythm.articulation_rate)),
        sum(wrong) / rhythm.speech_duration,
        len(wrong) / tens,
        len(rhythm.unexpected_breaks) / tens,
    )


def fluency_score(rhythm: Rhythm, parameters: FluencyParameters) -> float | None:
    """How fluent a reading is.

    Returns:
        0 to 100, 100 times the probability of a logistic model that it is a fluent reading rather than a halting one;
        None when it is too short to tell.
    """
    if rhythm.morae < parameters.fewest_morae:
        return None
    odds = parameters.bias - sum(
        weight * value for weight, value in zip(parameters.weights, disfluency(rhythm, parameters), strict=True)
    )
    return 100 / (1 + math.exp(-odds))
