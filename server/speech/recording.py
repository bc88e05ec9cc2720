"""The audio of one utterance as it grows."""

from __future__ import annotations

import numpy as np

from server.speech.ports import SAMPLE_RATE, Samples

_LEAST_ROOM = 16 * SAMPLE_RATE


class Recording:
    """Samples that are appended often and looked at often: what is there is copied only when its room doubles."""

    def __init__(self) -> None:
        self._room: Samples = np.empty(0, np.float32)
        self._length = 0

    def append(self, samples: Samples) -> None:
        """Adds samples at the end."""
        end = self._length + len(samples)
        if end > len(self._room):
            room = np.empty(max(end, 2 * len(self._room), _LEAST_ROOM), np.float32)
            room[: self._length] = self.whole
            self._room = room
        self._room[self._length : end] = samples
        self._length = end

    @property
    def seconds(self) -> float:
        """How long it is so far."""
        return self._length / SAMPLE_RATE

    @property
    def whole(self) -> Samples:
        """Everything so far. It stays as it is when more comes."""
        return self._room[: self._length]

    def part(self, start: float, end: float) -> Samples:
        """What lies between two times in seconds, as far as it is there. It stays as it is when more comes."""
        return self.whole[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)]

    def clear(self) -> None:
        """Lets go of everything."""
        self._room = np.empty(0, np.float32)
        self._length = 0
