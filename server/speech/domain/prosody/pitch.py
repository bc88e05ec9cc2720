"""The pitch of a voice over time, by autocorrelation.

The method is Praat's: P. Boersma (1993), "Accurate short-term analysis of the fundamental frequency and the
harmonics-to-noise ratio of a sampled sound", IFA Proceedings 17, 97-110; the names and values of the costs are those of
its section 3. What is added is a second search within the range of the speaker, found by the first, after D. Hirst
(2011), "The analysis by synthesis of speech melody", section 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FRAMES_A_SECOND = 100

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """How pitch is searched for.

    Attributes:
        floor, ceiling: the range of pitches that are considered, hertz.
        window: length of the analysis window, seconds: three periods of the floor.
        candidates: how many pitches compete in a frame, beside having none.
        silence_threshold: share of the largest amplitude under which a frame tends to be silent.
        voicing_threshold: strength, 0 to 1, that a pitch needs to win over having none.
        octave_cost: how much an octave higher is preferred, so that a perfectly periodic sound gets its shortest
            period.
        octave_jump_cost: cost of a jump by an octave between frames 10 ms apart.
        voicing_cost: cost of a change between voiced and voiceless, 10 ms apart.
        speaker_range: octaves around the speaker's median within which the second search stays.
        hum_floor: amplitude (full scale is 1) under which everything is silence.
    """

    floor: float = 60.0
    ceiling: float = 500.0
    window: float = 0.05
    candidates: int = 6
    silence_threshold: float = 0.03
    voicing_threshold: float = 0.45
    octave_cost: float = 0.01
    octave_jump_cost: float = 0.35
    voicing_cost: float = 0.14
    speaker_range: float = 1.1
    hum_floor: float = 3e-4


PRAAT = TrackerSettings()
_VERY_BAD = 1e9
_LOWEST_RATE = 16_000


@dataclass(frozen=True, slots=True)
class PitchTrack:
    """The pitch of an utterance, a value every 10 ms from its first sample on.

    Attributes:
        hertz: NaN where the voice has no pitch.
    """

    hertz: Floats

    @property
    def median(self) -> float | None:
        """The speaker's median pitch, hertz; None when no pitch was found."""
        voiced = self.hertz[~np.isnan(self.hertz)]
        return float(np.median(voiced)) if len(voiced) else None

    @property
    def semitones(self) -> Floats:
        """The pitch in semitones above the median, 12 log2(f / median); NaN where there is none."""
        middle = self.median
        if middle is None:
            return self.hertz.copy()
        return np.asarray(12 * np.log2(self.hertz / middle), np.float64)


def track(samples: NDArray[np.float32], sample_rate: int, settings: TrackerSettings = PRAAT) -> PitchTrack:
    """Finds the pitch of speech.

    Args:
        samples: mono, -1 to 1.
        sample_rate: samples a second, at least 16000: with fewer the peaks of high voices fall between two lags.
        settings: how to search.

    Returns:
        One value for each whole 10 ms of audio, for the moment in their middle.

    Raises:
        ValueError: the rate is too low.
    """
    if sample_rate < _LOWEST_RATE:
        raise ValueError(f"Pitch needs {_LOWEST_RATE} samples a second, not {sample_rate}.")
    hop = sample_rate // FRAMES_A_SECOND
    count = len(samples) // hop
    if count == 0:
        return PitchTrack(np.zeros(0))
    frequencies, strengths, unvoiced = _candidates(samples, sample_rate, hop, count, settings)
    found = _cheapest_path(frequencies, -strengths, -unvoiced, settings)
    median = PitchTrack(found).median
    if median is not None:
        # Costs nothing to speak of: the candidates are known.
        off = np.abs(np.log2(np.where(frequencies > 0, frequencies, median) / median)) > settings.speaker_range
        if off.any():
            found = _cheapest_path(frequencies, np.where(off, _VERY_BAD, -strengths), -unvoiced, settings)
    return PitchTrack(found)


def _candidates(
    samples: NDArray[np.float32], sample_rate: int, hop: int, count: int, settings: TrackerSettings
) -> tuple[Floats, Floats, Floats]:
    """The best pitches of every frame: frequencies and strengths [frames, candidates] (frequency 0: no candidate), and
    the strength of having none [frames]."""
    width = int(settings.window * sample_rate)
    shortest = max(2, int(sample_rate / settings.ceiling))
    longest = int(np.ceil(sample_rate / settings.floor)) + 1
    before = (width - hop) // 2
    padded = np.pad(samples.astype(np.float32), (before, width))
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[: count * hop : hop]
    frames = frames - frames.mean(axis=1, keepdims=True)
    window = np.hanning(width + 2)[1:-1].astype(np.float32)
    size = _fast_size(width + longest)
    correlation = _autocorrelation(frames * window, size)[:, : longest + 1]
    of_window = _autocorrelation(window[None], size)[0, : longest + 1]
    # Boersma's equation 9: dividing by the window's own autocorrelation takes its taper off.
    energy = np.maximum(correlation[:, :1], 1e-12)
    normal = correlation / energy / (of_window / of_window[0])
    left, here, right = normal[:, shortest - 1 : -2], normal[:, shortest:-1], normal[:, shortest + 1 :]
    lags = np.arange(shortest, shortest + here.shape[1])
    peaks = (here > left) & (here >= right) & (here > 0.5 * settings.voicing_threshold)
    rank = np.where(peaks, here - settings.octave_cost * np.log2(settings.floor * lags / sample_rate), -_VERY_BAD)
    best = np.argpartition(-rank, min(settings.candidates, rank.shape[1]) - 1, axis=1)[:, : settings.candidates]
    a, b, c = (np.take_along_axis(part, best, axis=1).astype(np.float64) for part in (left, here, right))
    is_peak = np.take_along_axis(peaks, best, axis=1)
    bend = np.where(is_peak, a - 2 * b + c, -1.0)
    shift = np.where(is_peak, 0.5 * (a - c) / bend, 0.0)
    lag = lags[best] + shift
    height = np.minimum(b - 0.25 * (a - c) * shift, 1.0)
    frequency = np.where(is_peak, sample_rate / lag, 0.0)
    strength = np.where(
        is_peak, height - settings.octave_cost * np.log2(settings.floor / sample_rate * lag), -_VERY_BAD
    )
    local = np.abs(frames).max(axis=1)
    loudest = max(float(local.max()), settings.hum_floor)
    share = settings.silence_threshold / (1 + settings.voicing_threshold)
    unvoiced = settings.voicing_threshold + np.maximum(0.0, 2 - local / loudest / share)
    return frequency, strength, unvoiced.astype(np.float64)


def _autocorrelation(frames: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    spectrum = np.fft.rfft(frames, size)
    return np.asarray(np.fft.irfft(spectrum.real**2 + spectrum.imag**2, size), np.float32)


def _fast_size(least: int) -> int:
    """The smallest even product of powers of 2, 3 and 5 that is not below `least`: quick to transform."""
    size = least + least % 2
    while True:
        rest = size
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return size
        size += 2


def _cheapest_path(frequencies: Floats, costs: Floats, unvoiced: Floats, settings: TrackerSettings) -> Floats:
    """Viterbi's search for the pitches whose costs and jumps cost least; NaN for frames without pitch."""
    count = len(frequencies)
    octaves = np.concatenate([np.log2(np.maximum(frequencies, 1.0)), np.zeros((count, 1))], axis=1)
    local = np.concatenate([costs, unvoiced[:, None]], axis=1)
    voiceless = np.zeros(local.shape[1], bool)
    voiceless[-1] = True
    jumps = settings.octave_jump_cost * np.abs(octaves[:-1, :, None] - octaves[1:, None, :])
    jumps[:, voiceless[:, None] != voiceless[None]] = settings.voicing_cost
    total = local[0]
    origin = np.zeros(local.shape, np.intp)
    for index in range(1, count):
        ways = total[:, None] + jumps[index - 1]
        origin[index] = ways.argmin(axis=0)
        total = ways.min(axis=0) + local[index]
    path = np.empty(count, np.intp)
    path[-1] = total.argmin()
    for index in range(count - 1, 0, -1):
        path[index - 1] = origin[index, path[index]]
    voiced = path < frequencies.shape[1]
    chosen = frequencies[np.arange(count), np.where(voiced, path, 0)]
    return np.where(voiced & (chosen > 0), chosen, np.nan)
