"""What was said in phones, whatever was to be said."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.phones import PAUSE_ID, PHONES
from server.speech.domain.transitions import Transitions


@dataclass(frozen=True, slots=True, eq=False)
class HeardPhones:
    """The most probable phones of a recording, any after any.

    Attributes:
        ids: phone ids in order, pauses among them, without the pause that everything begins with.
        onsets: (phones,) the frame in which each begins.
        score: log probability of the path.
        frame_scores: (frames,) what each frame adds to it.
    """

    ids: NDArray[np.intp]
    onsets: NDArray[np.intp]
    score: float
    frame_scores: NDArray[np.float64]

    @property
    def count(self) -> int:
        """How many phones there are, pauses not counted."""
        return int(np.sum(self.ids != PAUSE_ID))

    def between(self, start: int, end: int) -> tuple[str, ...]:
        """The names of the phones that begin in frames `start` up to, not including, `end`; no pauses."""
        chosen = self.ids[(self.onsets >= start) & (self.onsets < end)]
        return tuple(PHONES[i] for i in chosen if i != PAUSE_ID)


def listen(transitions: Transitions) -> HeardPhones:
    """Finds the best path through all phones (Viterbi), from a pause to wherever it is best at the end."""
    frames, count = transitions.moves.shape[:2]
    scores = np.full(count, -1e9)
    scores[PAUSE_ID] = 0.0
    origin = np.empty((frames, count), np.int16)
    everyone = np.arange(count)
    moves = transitions.moves.astype(np.float64)
    stays = transitions.stays.astype(np.float64)
    for t in range(frames):
        reached = scores[:, None] + moves[t]
        best = reached.argmax(axis=0)
        moved = reached[best, everyone]
        stayed = scores + stays[t]
        changed = moved > stayed
        origin[t] = np.where(changed, best, -1)
        scores = np.where(changed, moved, stayed)
    phone = int(scores.argmax())
    score = float(scores[phone])
    frame_scores = stays.copy()
    found: list[tuple[int, int]] = []
    for t in range(frames - 1, -1, -1):
        before = int(origin[t, phone])
        if before >= 0:
            found.append((phone, t))
            frame_scores[t] = moves[t, before, phone]
            phone = before
    found.reverse()
    ids = np.array([p for p, _ in found], np.intp)
    return HeardPhones(ids, np.array([t for _, t in found], np.intp), score, frame_scores)
