"""What a recording is like, measured on its samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.endpointing import Segment
from server.speech.domain.hearing import SignalQuality

_FULL_SCALE = 0.999
_LEAST_BACKGROUND = 0.1
"""Seconds of audio without voice that are needed to measure the background."""


def measure(samples: NDArray[np.float32], voice: Sequence[Segment], sample_rate: int) -> SignalQuality:
    """Clipping and signal-to-noise ratio of a recording.

    Args:
        samples: mono, -1 to 1.
        voice: stretches of voice, seconds.
        sample_rate: samples a second.

    Returns:
        The share of voiced samples at full scale, and 10 log10 of voice power (background taken off) over background
        power; None where there is too little background to measure or no voice.
    """
    mask = np.zeros(len(samples), bool)
    for segment in voice:
        mask[int(segment.start * sample_rate) : int(segment.end * sample_rate)] = True
    spoken, background = samples[mask], samples[~mask]
    if len(spoken) == 0:
        return SignalQuality(0.0, None)
    clipped = float(np.mean(np.abs(spoken) >= _FULL_SCALE))
    if len(background) < _LEAST_BACKGROUND * sample_rate:
        return SignalQuality(clipped, None)
    # The quietest half of the background: what the voice detector missed of the voice must not count as noise.
    frames = background[: len(background) // 160 * 160].reshape(-1, 160).astype(np.float64)
    powers = np.sort(np.mean(frames**2, axis=1))
    noise = float(np.mean(powers[: max(1, len(powers) // 2)])) + 1e-12
    power = max(float(np.mean(spoken.astype(np.float64) ** 2)) - noise, 1e-12)
    return SignalQuality(clipped, 10 * float(np.log10(power / noise)))
