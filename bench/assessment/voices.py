"""The voices that speak the sentences, planted errors included."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from bench.assessment.frontend import Features, is_mark, labels, phones_of
from server.adapters.kokoro.synthesis import SAMPLE_RATE as KOKORO_RATE
from server.adapters.kokoro.synthesis import VOICES as KOKORO_VOICES
from server.adapters.kokoro.synthesis import Kokoro
from server.adapters.openjtalk.intonation import Intonation, load_intonation
from server.speech.ports import SAMPLE_RATE, Samples

OPEN_JTALK_VOICES = ("ojt", "ojt-low", "ojt-high")
"""The one voice that comes with Open JTalk, and it lower and higher by `_HALF_TONES`."""
VOICES = (*OPEN_JTALK_VOICES, *KOKORO_VOICES)
_HALF_TONES = {"ojt": 0.0, "ojt-low": -5.0, "ojt-high": 3.0}
_PEAK = 0.6
QUIET = 0.2
"""Seconds of silence before and after."""


Spans = NDArray[np.float64]
"""(morae, 2): start and end of each, seconds."""


@dataclass(frozen=True, slots=True)
class Take:
    """One utterance.

    Attributes:
        samples: mono at 16 kHz, peak 0.6, with silence before and after.
        morae: where every mora was said.
    """

    samples: Samples
    morae: Spans


def speak(features: Features, voice: str, speed: float = 1.0) -> Take:
    """Says a sentence.

    Args:
        features: of the front end.
        voice: one of VOICES.
        speed: 1 is the voice's own.
    """
    if voice in _HALF_TONES:
        samples, rate, spans = _open_jtalk(features, speed, _HALF_TONES[voice])
    else:
        words = [word["string"] if is_mark(word) else word["pron"].replace("’", "") for word in features]
        spoken = _kokoro().speak(words, voice, speed=speed)
        samples, rate, spans = spoken.samples, KOKORO_RATE, np.array(spoken.morae)
    mono = soxr.resample(samples, rate, SAMPLE_RATE).astype(np.float32)
    quiet = np.zeros(int(QUIET * SAMPLE_RATE), np.float32)
    level = _PEAK / max(1e-6, float(np.abs(mono).max()))
    return Take(np.concatenate([quiet, mono * level, quiet]), spans + QUIET)


def halting(take: Take, breaks: Sequence[tuple[int, float]]) -> Take:
    """The same with hesitations.

    Args:
        take: what was said.
        breaks: after which mora one hesitates, and for how many seconds.
    """
    pieces: list[Samples] = []
    spans = take.morae.copy()
    done = 0
    for mora, seconds in sorted(breaks):
        end = int(take.morae[mora, 1] * SAMPLE_RATE)
        # Faded, or the cut would click.
        piece = take.samples[done:end].copy()
        ramp = min(80, len(piece))
        piece[len(piece) - ramp :] *= np.linspace(1, 0, ramp, dtype=np.float32)
        pieces.extend([piece, np.zeros(int(seconds * SAMPLE_RATE), np.float32)])
        spans[mora + 1 :] += int(seconds * SAMPLE_RATE) / SAMPLE_RATE
        done = end
    return Take(np.concatenate([*pieces, take.samples[done:]]), spans)


def noisy(samples: Samples, decibels: float, rng: np.random.Generator) -> Samples:
    """The same with pink noise, so many decibels under the speech (its samples over 2 % of full scale)."""
    spectrum = np.fft.rfft(rng.standard_normal(len(samples)))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 10), len(samples))
    loud = samples[np.abs(samples) > 0.02]
    power = float(np.mean(loud.astype(np.float64) ** 2)) if len(loud) else 1e-4
    return np.asarray(samples + noise * np.sqrt(power / 10 ** (decibels / 10) / np.mean(noise**2)), np.float32)


def planned(features: Features, speed: float) -> Spans:
    """Where each mora begins and ends in Open JTalk's reading, without the silence before: to 5 ms for each state."""
    made = labels(features)
    model = _intonation()
    ends = np.cumsum(model.frames(made, speed).sum(axis=1)) * model.frame
    starts = np.concatenate([[0.0], ends[:-1]])
    spans: list[tuple[float, float]] = []
    begin: float | None = None
    for phone, start, end in zip(phones_of(made), starts.tolist(), ends.tolist(), strict=True):
        if phone in ("sil", "pau"):
            begin = None
            continue
        begin = start if begin is None else begin
        if phone.lower() in "aiueo" or phone in ("N", "cl"):
            spans.append((begin, end))
            begin = None
    return np.array(spans)


def _open_jtalk(features: Features, speed: float, half_tones: float) -> tuple[Samples, int, Spans]:
    import pyopenjtalk

    wave, rate = pyopenjtalk.synthesize(labels(features), speed=speed, half_tone=half_tones)
    return np.asarray(wave / 32768, np.float32), rate, planned(features, speed)


@cache
def _intonation() -> Intonation:
    import pyopenjtalk

    return load_intonation(Path(pyopenjtalk.DEFAULT_HTS_VOICE.decode()))


@cache
def _kokoro() -> Kokoro:
    return Kokoro(threads=1)
