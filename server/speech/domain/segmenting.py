"""Cuts long speech at pauses, since a recogniser hears at most 30 seconds at a time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from server.speech.domain.endpointing import Segment

LONGEST_SEGMENT = 20.0
"""Seconds after which speech is cut at the next good pause."""
LONGEST_WINDOW = 28.0
"""Seconds after which speech is cut even without one; a recogniser's window is 30."""
_LEAST_PAUSE = 0.2


def choose_cut(voice: Sequence[Segment], start: float, until: float) -> float | None:
    """Where to cut the speech that began at `start`; None while there is no need.

    The middle of the longest pause in the second half of what there is; without a pause, and only when the window is
    full, half a second before the end.

    Args:
        voice: stretches of voice in order, seconds.
        start: where the segment begins.
        until: where the audio ends.
    """
    length = until - start
    if length < LONGEST_SEGMENT:
        return None
    middle = start + length / 2
    pauses = [
        (other.start - one.end, (one.end + other.start) / 2)
        for one, other in pairwise(voice)
        if other.start - one.end >= _LEAST_PAUSE and one.end >= middle
    ]
    if pauses:
        return max(pauses)[1]
    return until - 0.5 if length >= LONGEST_WINDOW else None
