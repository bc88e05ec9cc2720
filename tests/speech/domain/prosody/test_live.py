import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from server.speech.domain.events import PitchPoint
from server.speech.domain.prosody.live import LivePitch
from server.speech.domain.prosody.pitch import track

RATE = 16_000


def buzz(seconds: float) -> NDArray[np.float32]:
    """A voice that rises and falls, silent in between."""
    time = np.arange(int(seconds * RATE)) / RATE
    hertz = 150 * 2 ** (0.5 * np.sin(3 * time))
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    sound = sum((np.sin(k * phase) / k for k in range(1, 9)), np.zeros(len(time)))
    return np.asarray(0.2 * sound * (np.sin(5 * time) > -0.5), np.float32)


def followed(samples: NDArray[np.float32], looks: list[float]) -> list[PitchPoint]:
    pitch = LivePitch()
    found: list[PitchPoint] = []
    for until in looks:
        start = round(pitch.window_start * RATE)
        found += pitch.advance(samples[start : round(until * RATE)], RATE)
    return found


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.05, 0.9), min_size=1, max_size=8))
def test_points_come_once_and_in_order_however_often_one_looks(steps: list[float]) -> None:
    samples = buzz(sum(steps))
    looks = np.cumsum(steps).tolist()
    found = followed(samples, looks)
    assert [round(100 * point.time - 0.5) for point in found] == list(range(len(found)))
    assert 0 <= int(100 * looks[-1]) - len(found) <= 7


def test_what_is_told_while_speaking_is_what_the_whole_has() -> None:
    samples = buzz(3.0)
    found = followed(samples, np.arange(0.2, 3.01, 0.2).tolist())
    whole = track(samples, RATE).hertz[: len(found)]
    assert (
        np.mean([(point.semitones is None) == np.isnan(hertz) for point, hertz in zip(found, whole, strict=True)])
        > 0.97
    )
    # The median moves while one speaks, so differences are held against differences.
    last = [(p.semitones, h) for p, h in zip(found, whole, strict=True) if p.semitones is not None and not np.isnan(h)][
        -15:
    ]
    told = np.array([semitones for semitones, _ in last])
    heard = 12 * np.log2([hertz for _, hertz in last])
    assert np.abs(told - told[0] - (heard - heard[0])).max() < 0.1


def test_silence_has_points_without_pitch() -> None:
    points = followed(np.zeros(RATE, np.float32), [0.5, 1.0])
    assert len(points) == 94
    assert all(point.semitones is None for point in points)
