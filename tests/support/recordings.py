"""The shared recordings of real speech, music and noise, and sounds made by rule."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

Samples = NDArray[np.float32]

DATA = Path(__file__).parents[3] / "shared" / "data"
RATE = 16_000


@dataclass(frozen=True, slots=True)
class Recording:
    """One of the shared recordings.

    Attributes:
        id: as in the manifest.
        kind: word, sentence, speech (English), music or noise.
        text: what is said; empty when unknown or nothing.
        reading: in kana; empty when not given.
        samples: mono at 16 kHz.
    """

    id: str
    kind: str
    text: str
    reading: str
    samples: Samples


def recordings(folder: str) -> list[Recording]:
    """All recordings of `speech` or `other_audio`; skips the test where they are absent."""
    manifest = DATA / folder / "manifest.tsv"
    if not manifest.is_file():
        pytest.skip(f"needs the recordings in ../shared/data/{folder}, which are no part of this repository")
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [
        Recording(row["id"], row["kind"], row["text"], row.get("reading") or "", _read(manifest.parent / row["file"]))
        for row in rows
    ]


def made_sounds() -> Mapping[str, Samples]:
    """Sounds that are no speech: silence, noise of many levels and colours, hum, clicks, tones, plucked strings."""
    random = np.random.default_rng(1)
    count = 3 * RATE
    time = np.arange(count) / RATE
    sounds: dict[str, NDArray[np.float64]] = {
        "silence": np.zeros(count),
        "near-silence": random.standard_normal(count) * 1e-4,
        "dither": np.round(random.standard_normal(count) * 0.7) / 32768,
        "sweep": 0.2 * np.sin(2 * np.pi * (100 + 500 * time) * time),
        "breath": 0.05 * _pink(count, random) * np.maximum(0, np.sin(2 * np.pi * 0.4 * time)),
        "chord": _sines((262, 330, 392), time) * np.exp(-3 * (time % 1)),
        "drums": np.concatenate([random.standard_normal(4000) * np.exp(-np.arange(4000) / d) for d in (300, 100, 800)]),
        "plucked": np.concatenate([_plucked(f, 8000, random) for f in (196, 247, 294, 392, 330)]),
    }
    for hertz in (50, 60, 120, 220, 440, 1000):
        sounds[f"hum-{hertz}"] = _sines((hertz, 2 * hertz, 3 * hertz), time)
    clicks = np.zeros(count)
    clicks[::8000] = 0.8
    sounds["clicks"] = clicks
    for level in (0.001, 0.01, 0.1, 0.3):
        for seconds in (0.5, 3.0, 8.0):
            n = int(seconds * RATE)
            sounds[f"white-{level}-{seconds}"] = level * random.standard_normal(n)
            sounds[f"pink-{level}-{seconds}"] = level * _pink(n, random)
    return {name: np.clip(sound, -1, 1).astype(np.float32) for name, sound in sounds.items()}


def _read(path: Path) -> Samples:
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != RATE:
        raise ValueError(f"{path.name} has {rate} Hz")
    return np.asarray(samples, np.float32)


def _sines(hertz: tuple[int, ...], time: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.1 * np.sin(2 * np.pi * np.array(hertz)[:, None] * time).sum(axis=0))


def _pink(count: int, random: np.random.Generator) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(random.standard_normal(count))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(len(spectrum)) + 1), count)
    return np.asarray(noise / np.std(noise))


def _plucked(hertz: float, count: int, random: np.random.Generator) -> NDArray[np.float64]:
    # Karplus-Strong.
    string = random.uniform(-0.5, 0.5, int(RATE / hertz))
    out = np.zeros(count)
    for i in range(count):
        at = i % len(string)
        out[i] = string[at]
        string[at] = 0.498 * (string[at] + string[(at + 1) % len(string)])
    return out
