"""Cuts long speech at pauses, since a recogniser hears at most 30 seconds at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from server.speech.domain.endpointing import POST_ROLL, PRE_ROLL, Segment

LONGEST_SEGMENT = 12.0
"""Seconds after which speech is cut at a pause. The longer a piece, the more Whisper leaves out: 18 recordings of nine
shared sentences each had a character error of .28 in pieces of up to 28 or 20 s, .26 of 15 s and .25 of 12 or 10 s."""
LONGEST_WINDOW = 28.0
"""Seconds after which speech is cut even without a pause; a recogniser's window is 30."""
_SHORTEST_SEGMENT = 3.0
_LEAST_PAUSE = 0.2
_LONG_PAUSE = 2.0
"""Seconds of silence that a recogniser is better not given to hear: it tends to fill them."""


def choose_cut(voice: Sequence[Segment], start: float, until: float) -> float | None:
    """Where to cut the speech that began at `start`; None while there is no need.

    The middle of the longest pause within `LONGEST_SEGMENT`, or else of the first one after it; without a pause, and
    only when the window is full, half a second before the end. Never further on than the window: what a recogniser is
    given beyond it is lost. Speech with pauses is cut in the same places while it is spoken and when it is over.

    Args:
        voice: stretches of voice in order, seconds.
        start: where the segment begins.
        until: where the audio ends.
    """
    length = until - start
    if length < LONGEST_SEGMENT:
        return None
    latest = min(until, start + LONGEST_WINDOW)
    pauses = [
        (one.end, other.start)
        for one, other in pairwise(voice)
        if one.end >= start + _SHORTEST_SEGMENT and other.start <= latest and other.start - one.end >= _LEAST_PAUSE
    ]
    near = [pause for pause in pauses if pause[1] <= start + LONGEST_SEGMENT]
    if pauses:
        begin, end = max(near, key=lambda pause: pause[1] - pause[0]) if near else pauses[0]
        return (begin + end) / 2
    return min(latest, until - 0.5) if length >= LONGEST_WINDOW else None


def cut_speech(voice: Sequence[Segment], length: float, begin: float = 0.0) -> tuple[Segment, ...]:
    """What of a recording is to be recognised, in pieces of at most `LONGEST_WINDOW` seconds.

    Args:
        voice: stretches of voice in order, seconds.
        length: of the recording.
        begin: what goes before it is left out.
    """
    rest = [Segment(max(begin, s.start), s.end) for s in voice if s.end > begin]
    return tuple(piece for run in _runs(rest) for piece in _windows(run, begin, length))


def _runs(voice: Sequence[Segment]) -> list[list[Segment]]:
    """Stretches of voice that no long pause parts."""
    runs: list[list[Segment]] = []
    for segment in voice:
        if runs and segment.start - runs[-1][-1].end < _LONG_PAUSE:
            runs[-1].append(segment)
        else:
            runs.append([segment])
    return runs


def _windows(run: Sequence[Segment], begin: float, length: float) -> Iterator[Segment]:
    start, end = max(begin, run[0].start - PRE_ROLL), min(length, run[-1].end + POST_ROLL)
    while (cut := choose_cut(run, start, end)) is not None:
        yield Segment(start, cut)
        start = cut
    yield Segment(start, end)
