from __future__ import annotations

import numpy as np
import pytest

from server.adapters.openjtalk.synthesis import synthesize
from server.adapters.whisper.vad import FRAME_SAMPLES, SileroDetector, SileroNetwork


async def test_chunk_boundaries_make_no_difference(network: SileroNetwork) -> None:
    detector = SileroDetector(network)
    samples = np.random.default_rng(7).standard_normal(20 * FRAME_SAMPLES + 100).astype(np.float32) * 0.1
    whole = list(await detector.open().probabilities(samples))
    stream = detector.open()
    pieces: list[float] = []
    for piece in np.split(samples, [1, 2, 500, 511, 513, 1024, 3000, 3001, 9000]):
        pieces.extend(await stream.probabilities(piece))
    detector.close()

    assert len(whole) == 20
    assert pieces == pytest.approx(whole, abs=1e-4)


async def test_streams_do_not_disturb_each_other(network: SileroNetwork) -> None:
    detector = SileroDetector(network)
    voice = synthesize("こんにちは")
    one, other, alone = detector.open(), detector.open(), detector.open()
    mixed: list[float] = []
    for start in range(0, len(voice) - 1600, 1600):
        mixed.extend(await one.probabilities(voice[start : start + 1600]))
        await other.probabilities(np.zeros(1600, np.float32))
    expected = list(await alone.probabilities(voice))
    detector.close()

    assert mixed == pytest.approx(expected[: len(mixed)], abs=1e-4)


def test_voice_is_told_from_silence(network: SileroNetwork) -> None:
    assert max(network.judge(synthesize("今日はいい天気です。"))) > 0.9
    assert max(network.judge(np.zeros(32000, np.float32))) < 0.1
    assert network.judge(np.zeros(0, np.float32)) == []
