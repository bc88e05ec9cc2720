"""How long audio is cut for a network whose cost grows with the square of the length."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of frames that goes through the network at once, and the part of it whose result is kept.

    Attributes:
        start, end: frames that the network sees.
        keep_start, keep_end: frames whose result counts; those of all windows follow each other.
    """

    start: int
    end: int
    keep_start: int
    keep_end: int


def cut_windows(frames: int, longest: int, overlap: int) -> tuple[Window, ...]:
    """Cuts frames into windows of equal length.

    The network attends to the whole of a window, so frames close to a cut that nobody spoke are worse; each window
    shares `overlap` frames with the next, and the result changes hands in the middle of them.

    Args:
        frames: how many there are, 1 or more.
        longest: the longest window; more than `overlap`.
        overlap: frames shared by neighbours.

    Returns:
        One window for what fits into it; else as few as possible.
    """
    if frames <= longest:
        return (Window(0, frames, 0, frames),)
    count = math.ceil((frames - overlap) / (longest - overlap))
    length = math.ceil((frames + (count - 1) * overlap) / count)
    starts = [min(index * (length - overlap), frames - length) for index in range(count)]
    seams = [0, *((one + length + other) // 2 for one, other in pairwise(starts)), frames]
    return tuple(Window(start, start + length, seams[i], seams[i + 1]) for i, start in enumerate(starts))
