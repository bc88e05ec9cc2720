"""What clips tell of a microphone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from server.speech.domain.endpointing import Segment
from server.speech.domain.microphone import MicrophoneReport, Problem, Verdict, check

RATE = 16_000
VOICE = (Segment(0.5, 2.5),)


def clip(level: float = 0.1, noise: float = 1e-4) -> NDArray[np.float32]:
    """Two seconds of wide sound between half seconds of little."""
    rng = np.random.default_rng(0)
    samples = noise * rng.standard_normal(3 * RATE)
    samples[RATE // 2 : 5 * RATE // 2] += level * rng.standard_normal(2 * RATE)
    return np.clip(samples, -1, 1).astype(np.float32)


def report(samples: NDArray[np.float32]) -> MicrophoneReport:
    return check(samples, VOICE, RATE)


def test_a_good_one() -> None:
    found = report(clip())
    assert (found.verdict, found.problems) == (Verdict.GOOD, ())
    assert found.speech_dbfs == pytest.approx(-20, abs=1)
    assert found.noise_dbfs == pytest.approx(-80, abs=1)
    assert found.snr_db == pytest.approx(60, abs=2)
    assert found.bandwidth_hertz == 8_000
    assert found.speech_seconds == 2


@pytest.mark.parametrize(
    ("samples", "verdict", "problem"),
    [
        (clip(level=0.01), Verdict.FAIR, Problem.TOO_QUIET),
        (clip(level=0.002, noise=1e-6), Verdict.UNUSABLE, Problem.TOO_QUIET),
        (clip(level=0.35), Verdict.FAIR, Problem.CLIPPING),
        (clip(level=1.0), Verdict.UNUSABLE, Problem.CLIPPING),
        (clip(noise=0.02), Verdict.FAIR, Problem.NOISY),
        (clip(noise=0.08), Verdict.UNUSABLE, Problem.NOISY),
    ],
)
def test_problems(samples: NDArray[np.float32], verdict: Verdict, problem: Problem) -> None:
    found = report(samples)
    assert (found.verdict, found.problems[0]) == (verdict, problem)


def test_a_telephone() -> None:
    samples = clip(noise=0)
    spectrum = np.fft.rfft(samples)
    spectrum[np.fft.rfftfreq(len(samples), 1 / RATE) > 3_200] = 0
    found = report(np.fft.irfft(spectrum).astype(np.float32))
    assert (found.verdict, found.problems) == (Verdict.FAIR, (Problem.NARROW_BAND,))


def test_dropouts() -> None:
    samples = clip()
    for begin in (0.8, 1.4, 2.0):
        samples[int(begin * RATE) : int((begin + 0.03) * RATE)] = 0
    assert report(samples).problems == (Problem.DROPOUTS,)
    assert report(samples).verdict is Verdict.FAIR


def test_nobody_speaks() -> None:
    found = check(clip(), (), RATE)
    assert (found.verdict, found.problems) == (Verdict.UNUSABLE, (Problem.NO_SPEECH,))


def test_too_little_is_said() -> None:
    found = check(clip(), (Segment(0.5, 1.0),), RATE)
    assert Problem.TOO_SHORT in found.problems
