"""Takes steady noise off a recording, mildly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_SIZE, _HOP = 512, 128
_QUIETEST = 0.1
"""Share of the frames that are taken for noise alone."""


def speech_over_noise(samples: NDArray[np.float32]) -> float:
    """Decibels by which the louder half of a recording's frames are over the quietest tenth; 0 for none."""
    frames = samples[: len(samples) // _HOP * _HOP].reshape(-1, _HOP).astype(np.float64)
    if len(frames) < 2:
        return 0.0
    powers = np.sort((frames**2).mean(axis=1)) + 1e-12
    loud, quiet = powers[len(powers) // 2 :].mean(), powers[: max(1, int(_QUIETEST * len(powers)))].mean()
    return 10 * float(np.log10(loud / quiet))


def denoise(samples: NDArray[np.float32], floor: float, excess: float) -> NDArray[np.float32]:
    """Spectral subtraction by a Wiener filter (Lim and Oppenheim 1979).

    Args:
        samples: mono.
        floor: the least gain of any bin, 0 to 1; 0.3 takes off 10 dB at most, so that speech keeps its colour.
        excess: by how much the noise is taken for stronger than measured.

    Returns:
        As many samples.
    """
    if len(samples) < 2 * _SIZE:
        return samples
    window = np.hanning(_SIZE + 1)[:-1].astype(np.float32)
    padded = np.pad(samples, (_SIZE, 2 * _SIZE))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _SIZE)[::_HOP]
    spectra = np.fft.rfft(frames * window)
    powers = np.abs(spectra) ** 2
    levels = np.log(powers[:, :].mean(axis=1) + 1e-12)
    # The zeros at the ends are ours and say nothing about the noise.
    inner = np.arange(len(levels))[_SIZE // _HOP : -(2 * _SIZE // _HOP)]
    quietest = inner[np.argsort(levels[inner])[: max(5, int(_QUIETEST * len(inner)))]]
    noise = powers[quietest].mean(axis=0)
    smooth = (np.roll(powers, 1, axis=0) + powers + np.roll(powers, -1, axis=0)) / 3
    above = np.maximum(smooth / (excess * noise + 1e-12) - 1, 0)
    cleaned = np.fft.irfft(spectra * np.maximum(above / (1 + above), floor), _SIZE) * window
    result = np.zeros(len(padded))
    weight = np.zeros(len(padded))
    for index, frame in enumerate(cleaned):
        result[index * _HOP : index * _HOP + _SIZE] += frame
        weight[index * _HOP : index * _HOP + _SIZE] += window**2
    return (result / np.maximum(weight, 1e-6))[_SIZE : _SIZE + len(samples)].astype(np.float32)
