"""The pitch of a voice while it speaks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.events import PitchPoint
from server.speech.domain.prosody.pitch import FRAMES_A_SECOND, track

_CONTEXT = 50
"""Frames before the first that is new: what the search for it needs to know of what came before."""
_UNSETTLED = 6
"""Frames at the end that what follows may still change: half a window, and a change between voiced and voiceless."""
_DIGITS = 2


class LivePitch:
    """Follows the pitch of one voice; what was told is never changed."""

    def __init__(self) -> None:
        self._told = 0
        self._heard: list[float] = []

    @property
    def window_start(self) -> float:
        """Second from which on `advance` needs the audio."""
        return max(0, self._told - _CONTEXT) / FRAMES_A_SECOND

    def advance(self, samples: NDArray[np.float32], sample_rate: int) -> tuple[PitchPoint, ...]:
        """The points since the last call.

        Args:
            samples: the audio from `window_start` up to now.
            sample_rate: samples a second.

        Returns:
            A point every 10 ms, in semitones above the median of all that was heard so far.
        """
        first = max(0, self._told - _CONTEXT)
        hertz = track(samples, sample_rate).hertz
        new = hertz[self._told - first : max(0, len(hertz) - _UNSETTLED)]
        self._heard.extend(new[~np.isnan(new)].tolist())
        median = float(np.median(self._heard)) if self._heard else 1.0
        points = tuple(
            PitchPoint(
                (self._told + place + 0.5) / FRAMES_A_SECOND,
                None if np.isnan(value) else round(12 * float(np.log2(value / median)), _DIGITS),
            )
            for place, value in enumerate(new)
        )
        self._told += len(new)
        return points
