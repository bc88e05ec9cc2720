"""Instant speech by Open JTalk and its HTS voice."""

from __future__ import annotations

import numpy as np
import soxr

from server.speech.ports import SAMPLE_RATE, Samples

_PEAK = 0.6


def synthesize(text: str, *, speed: float = 1.0) -> Samples:
    """Reads a Japanese text aloud.

    Args:
        text: what to read.
        speed: 1 is the voice's own rate, 0.5 half of it.

    Returns:
        Mono samples at 16 kHz, peak 0.6, with 0.3 s of silence before and after.
    """
    import pyopenjtalk

    wave, rate = pyopenjtalk.tts(text, speed=speed)
    mono = soxr.resample(np.asarray(wave, np.float32) / 32768, rate, SAMPLE_RATE).astype(np.float32)
    peak = float(np.max(np.abs(mono), initial=1e-6))
    quiet = np.zeros(int(0.3 * SAMPLE_RATE), np.float32)
    return np.concatenate([quiet, mono * (_PEAK / peak), quiet])
