"""Sounds that are no speech, made by arithmetic: 16 kHz, always the same."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]
_Wave = NDArray[np.float64]

RATE = 16_000
_SECONDS = 3.0


def not_speech() -> Mapping[str, Samples]:
    """Silence, noise and music by name, between -1 and 1."""
    sounds: dict[str, _Wave] = {
        "silence": np.zeros(_length()),
        "offset": np.full(_length(), 0.1),
        "last-bit": _noise(1) / 32_768,
        "hum-50": _hum(50),
        "hum-60-loud": 4 * _hum(60),
        "clicks": _clicks(),
        "syllables-of-noise": _pink(7) / 5 * _syllables(),
        "sweep": _sweep(),
        "chords": _chords(),
        "melody": _melody(),
        "brief-noise": _noise(9)[: RATE // 6] / 10,
    }
    for decibels in (-70, -50, -30, -10):
        level = 10 ** (decibels / 20)
        sounds[f"white{decibels}"] = _noise(2) * level
        sounds[f"pink{decibels}"] = _pink(3) * level
    for hertz in (120, 220, 440, 1_000, 3_000):
        sounds[f"tone-{hertz}"] = 0.4 * _tone(hertz)
        sounds[f"voiced-{hertz}"] = 0.3 * _tone(hertz, harmonics=8)
    return {name: np.clip(sound, -1, 1).astype(np.float32) for name, sound in sounds.items()}


def _length(seconds: float = _SECONDS) -> int:
    return round(seconds * RATE)


def _time(seconds: float = _SECONDS) -> _Wave:
    return np.arange(_length(seconds)) / RATE


def _noise(seed: int) -> _Wave:
    """White noise of effective value 1."""
    return np.random.default_rng(seed).standard_normal(_length())


def _pink(seed: int) -> _Wave:
    """Noise whose power falls by 3 dB an octave, of effective value 1."""
    spectrum = np.fft.rfft(_noise(seed))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    noise = np.fft.irfft(spectrum, _length())
    return noise / float(np.sqrt(np.mean(noise**2)))


def _tone(hertz: float, seconds: float = _SECONDS, harmonics: int = 1) -> _Wave:
    parts = [np.sin(2 * np.pi * hertz * k * _time(seconds)) / k for k in range(1, harmonics + 1) if hertz * k < 7_900]
    sound: _Wave = np.sum(parts, axis=0) / len(parts) ** 0.5
    return sound


def _hum(hertz: float) -> _Wave:
    """Mains hum: odd harmonics and a little noise."""
    parts = [np.sin(2 * np.pi * hertz * k * _time()) / k for k in (1, 3, 5, 7)]
    sound: _Wave = 0.2 * np.sum(parts, axis=0) + 0.002 * _noise(4)
    return sound


def _clicks() -> _Wave:
    """Keys and mouse: short bursts at uneven times."""
    sound = 0.001 * _noise(5)
    burst = _noise(6)[:80] * np.exp(-np.arange(80) / 15)
    for start in np.random.default_rng(8).integers(0, _length() - 80, 14):
        sound[start : start + 80] += 0.6 * burst
    return sound


def _syllables() -> _Wave:
    """Loudness that rises and falls four times a second, as speech does."""
    return np.sin(2 * np.pi * 4 * _time()) ** 2


def _sweep() -> _Wave:
    hertz = np.geomspace(80, 6_000, _length())
    return 0.4 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)


def _chords() -> _Wave:
    """Four chords of an organ."""
    roots = ((262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294))
    part = _SECONDS / len(roots)
    chords = [np.sum([_tone(hertz, part, harmonics=5) for hertz in chord], axis=0) for chord in roots]
    return 0.12 * np.concatenate(chords)


def _melody() -> _Wave:
    """Plucked notes."""
    notes = (440, 494, 523, 587, 523, 494, 440, 392, 440, 330)
    part = _SECONDS / len(notes)
    fading = np.exp(-6 * _time(part))
    return np.concatenate([0.5 * _tone(hertz, part, harmonics=6) * fading for hertz in notes])
