"""How far a text has been read, while it is being read."""

from __future__ import annotations

import numpy as np

from server.speech.domain.alignment import Row, chain, forward
from server.speech.domain.pronunciation import Pronunciation
from server.speech.domain.transitions import Transitions

_CONTEXT = 100
"""Frames before what is undecided that the network sees, so that it hears how that began."""
_UNDECIDED = 350
"""Frames after which the older ones are decided."""
_KEPT = 150
"""Frames that stay undecided then: what follows may still change how they are heard."""
_LEAST_FIT = -0.8
"""Log probability a frame under which what is said is not the text; right readings are at -0.1 to -0.5, other sentences
under -1.2."""
_LEAST_FRAMES = 20


class ReadingProgress:
    """Follows one reading. The network runs over the last seconds only; what lies before is summed up in the scores of
    the states at a moment that has been decided.

    Args:
        text: what is read.
    """

    def __init__(self, text: Pronunciation) -> None:
        self._text = text
        self._decided = 0
        self._scores: tuple[Row, Row] | None = None
        self._read = 0
        # How many morae count as read when a phone has begun: its own where the phone ends it.
        ends = np.array([end - 1 for _, end in text.spans])
        self._morae = np.searchsorted(ends, np.arange(len(text.phones)), side="right")

    @property
    def window_start(self) -> int:
        """The first frame that the next call of `advance` needs."""
        return max(0, self._decided - _CONTEXT)

    @property
    def read(self) -> int:
        """How many morae have been read, as far as is known; never fewer than before."""
        return self._read

    def advance(self, window: Transitions) -> int:
        """Takes the evidence from `window_start` up to now.

        Returns:
            How many morae have been read.
        """
        skipped = self._decided - self.window_start
        fresh = window.part(skipped, window.frames)
        if fresh.frames < _LEAST_FRAMES:
            return self._read
        phones, pauses = forward(chain(fresh, self._text.ids), self._scores)
        best = np.maximum(phones[-1], pauses[-1])
        state = int(best.argmax())
        before = 0.0 if self._scores is None else float(max(self._scores[0].max(), self._scores[1].max()))
        if (float(best[state]) - before) / fresh.frames >= _LEAST_FIT:
            self._read = max(self._read, min(int(self._morae[state]), len(self._text.spans)))
        if fresh.frames > _UNDECIDED:
            settled = fresh.frames - _KEPT
            self._scores = (phones[settled].copy(), pauses[settled].copy())
            self._decided += settled
        return self._read
