"""What a recording is like, whatever was said in it."""

import numpy as np
import pytest
from numpy.typing import NDArray

from server.speech.domain.endpointing import Segment
from server.speech.domain.events import NoticeKind
from server.speech.domain.notices import recording_notices

RATE = 16_000
VOICE = (Segment(1.0, 2.0),)


def recorded(voice: float, background: float) -> NDArray[np.float32]:
    noise = np.random.default_rng(1).normal(size=3 * RATE)
    noise[:RATE] *= background
    noise[RATE : 2 * RATE] *= voice
    noise[2 * RATE :] *= background
    return np.clip(noise, -1, 1).astype(np.float32)


@pytest.mark.parametrize(
    ("voice", "background", "kinds"),
    [
        (0.1, 0.001, []),
        (0.1, 0.06, [NoticeKind.NOISY]),
        (0.003, 0.0001, [NoticeKind.AUDIO_TOO_QUIET]),
        (0.003, 0.002, [NoticeKind.NOISY, NoticeKind.AUDIO_TOO_QUIET]),
        (0.6, 0.001, [NoticeKind.CLIPPING]),
    ],
)
def test_what_is_told(voice: float, background: float, kinds: list[NoticeKind]) -> None:
    assert [n.kind for n in recording_notices(recorded(voice, background), VOICE, RATE)] == kinds


def test_the_figures_are_told() -> None:
    (noisy,) = recording_notices(recorded(0.1, 0.06), VOICE, RATE)
    ((name, value),) = noisy.parameters
    assert name == "snr_db"
    assert 0 < value < 10
    (quiet,) = recording_notices(recorded(0.003, 0.0001), VOICE, RATE)
    ((name, value),) = quiet.parameters
    assert name == "level_dbfs"
    assert value == pytest.approx(-50.5, abs=0.5)


def test_without_a_voice_there_is_nothing_to_tell() -> None:
    assert recording_notices(recorded(0.6, 0.6), (), RATE) == ()
