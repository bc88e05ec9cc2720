"""Whether a microphone and its room are good enough to practise with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.endpointing import Segment
from server.speech.domain.signal import measure


class Verdict(StrEnum):
    """Whether one can practise with it."""

    GOOD = "good"
    FAIR = "fair"
    UNUSABLE = "unusable"


class Problem(StrEnum):
    """What can be wrong."""

    NO_SIGNAL = "no_signal"
    NO_SPEECH = "no_speech"
    TOO_QUIET = "too_quiet"
    CLIPPING = "clipping"
    NOISY = "noisy"
    NARROW_BAND = "narrow_band"
    DROPOUTS = "dropouts"
    TOO_SHORT = "too_short"


@dataclass(frozen=True, slots=True)
class MicrophoneLimits:
    """From where on something is a problem, and from where on it is one that nobody can practise with.

    Attributes:
        silent_dbfs: highest sample under which there is no signal at all.
        quiet_dbfs, too_quiet_dbfs: level of the speech.
        clipped, too_clipped: share of the speech at full scale.
        noisy_db, too_noisy_db: speech over noise.
        least_bandwidth: Hz.
        dropout: seconds of digital silence within speech that are a dropout; `dropouts` of them are a problem, more
            than `most_lost` of the speech lost to them too much.
        least_speech: seconds of speech to tell anything.
    """

    silent_dbfs: float = -80.0
    quiet_dbfs: float = -35.0
    too_quiet_dbfs: float = -50.0
    clipped: float = 0.002
    too_clipped: float = 0.05
    noisy_db: float = 20.0
    too_noisy_db: float = 8.0
    least_bandwidth: float = 3_500.0
    dropout: float = 0.015
    dropouts: int = 2
    most_lost: float = 0.1
    least_speech: float = 0.8


@dataclass(frozen=True, slots=True)
class MicrophoneReport:
    """What a short clip tells; figures are None where they could not be computed.

    Attributes:
        problems: gravest first.
        speech_dbfs, peak_dbfs, noise_dbfs: levels relative to full scale.
        snr_db: speech over noise.
        clipped_share: of the speech, 0 to 1.
        speech_seconds: how much of the clip is speech.
        bandwidth_hertz: the highest frequency that is there.
    """

    verdict: Verdict
    problems: tuple[Problem, ...]
    speech_seconds: float
    speech_dbfs: float | None = None
    peak_dbfs: float | None = None
    noise_dbfs: float | None = None
    snr_db: float | None = None
    clipped_share: float | None = None
    bandwidth_hertz: float | None = None


def check(
    samples: NDArray[np.float32],
    voice: Sequence[Segment],
    sample_rate: int,
    limits: MicrophoneLimits | None = None,
) -> MicrophoneReport:
    """Judges a clip in which somebody says something.

    Args:
        samples: mono, -1 to 1, one or more.
        voice: stretches of voice, seconds.
        sample_rate: samples a second.
        limits: what is a problem.
    """
    given = limits or MicrophoneLimits()
    peak = _decibels(float(np.max(np.abs(samples))) ** 2)
    if peak < given.silent_dbfs:
        return MicrophoneReport(Verdict.UNUSABLE, (Problem.NO_SIGNAL,), 0.0, peak_dbfs=None if peak < -200 else peak)
    mask = np.zeros(len(samples), bool)
    for segment in voice:
        mask[int(segment.start * sample_rate) : int(segment.end * sample_rate)] = True
    spoken, rest = samples[mask], samples[~mask]
    seconds = len(spoken) / sample_rate
    noise = _decibels(float(np.mean(rest.astype(np.float64) ** 2))) if len(rest) >= sample_rate // 10 else None
    if not len(spoken):
        return MicrophoneReport(Verdict.UNUSABLE, (Problem.NO_SPEECH,), 0.0, peak_dbfs=peak, noise_dbfs=noise)
    quality = measure(samples, voice, sample_rate)
    level = _decibels(float(np.mean(spoken.astype(np.float64) ** 2)))
    bandwidth = _bandwidth(spoken, sample_rate)
    count, lost = _dropouts(samples, voice, sample_rate, given.dropout)
    unusable = {
        Problem.CLIPPING: quality.clipped_share >= given.too_clipped,
        Problem.TOO_QUIET: level < given.too_quiet_dbfs,
        Problem.NOISY: quality.snr_db is not None and quality.snr_db < given.too_noisy_db,
        Problem.DROPOUTS: lost > given.most_lost * seconds,
    }
    fair = {
        Problem.TOO_SHORT: seconds < given.least_speech,
        Problem.CLIPPING: quality.clipped_share >= given.clipped,
        Problem.TOO_QUIET: level < given.quiet_dbfs,
        Problem.NOISY: quality.snr_db is not None and quality.snr_db < given.noisy_db,
        Problem.DROPOUTS: count >= given.dropouts,
        Problem.NARROW_BAND: bandwidth is not None and bandwidth < given.least_bandwidth,
    }
    grave = [problem for problem, found in unusable.items() if found]
    problems = (*grave, *(problem for problem, found in fair.items() if found and problem not in grave))
    verdict = Verdict.UNUSABLE if grave else Verdict.FAIR if problems else Verdict.GOOD
    return MicrophoneReport(
        verdict, problems, seconds, level, peak, noise, quality.snr_db, quality.clipped_share, bandwidth
    )


def _decibels(power: float) -> float:
    return 10 * float(np.log10(power + 1e-24))


_BAND = 250.0
_FRAME = 1024
_UNDER_SPEECH_DB = 60.0
"""How far under its strongest band speech is still speech; resampling and codecs leave nothing there."""


def _bandwidth(spoken: NDArray[np.float32], sample_rate: int) -> float | None:
    """The highest frequency that is there, in steps of 250 Hz."""
    if len(spoken) < sample_rate // 5:
        return None
    # Mean of windowed frames (Welch 1967): where speech is cut out, nothing may leak into bands that have nothing.
    frames = np.lib.stride_tricks.sliding_window_view(spoken.astype(np.float64), _FRAME)[:: _FRAME // 2]
    power = (np.abs(np.fft.rfft(frames * np.blackman(_FRAME))) ** 2).mean(axis=0)
    bands = (np.fft.rfftfreq(_FRAME, 1 / sample_rate) / _BAND).astype(int)
    levels = np.bincount(bands, power) / np.maximum(np.bincount(bands), 1)
    there = np.flatnonzero(levels > levels.max() * 10 ** (-_UNDER_SPEECH_DB / 10))
    return min(float((there[-1] + 1) * _BAND), sample_rate / 2)


def _dropouts(
    samples: NDArray[np.float32], voice: Sequence[Segment], sample_rate: int, least: float
) -> tuple[int, float]:
    """How many stretches of digital silence there are within speech, and how many seconds they take."""
    count, lost = 0, 0.0
    for segment in voice:
        part = samples[int(segment.start * sample_rate) : int(segment.end * sample_rate)]
        silent = np.concatenate([[False], part == 0.0, [False]])
        edges = np.flatnonzero(np.diff(silent.astype(np.int8)))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            if end - start >= least * sample_rate:
                count += 1
                lost += float(end - start) / sample_rate
    return count, lost
