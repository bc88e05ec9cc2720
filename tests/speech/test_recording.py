"""The growing audio of an utterance."""

from __future__ import annotations

import numpy as np

from server.speech.ports import SAMPLE_RATE
from server.speech.recording import Recording


def test_what_was_looked_at_stays_when_more_comes() -> None:
    recording = Recording()
    pieces = [np.full(SAMPLE_RATE * 5, number, np.float32) for number in range(1, 9)]
    seen = []
    for piece in pieces:
        recording.append(piece)
        seen.append(recording.whole)
    for number, earlier in enumerate(seen, 1):
        np.testing.assert_array_equal(earlier, np.concatenate(pieces[:number]))
    np.testing.assert_array_equal(recording.part(4.5, 5.5)[[0, -1]], [1, 2])
    assert len(recording.part(39.0, 99.0)) == SAMPLE_RATE


def test_nothing_is_left_after_it_is_cleared() -> None:
    recording = Recording()
    recording.append(np.ones(10, np.float32))
    recording.clear()
    assert len(recording.whole) == 0
    assert len(recording.part(0.0, 1.0)) == 0
