import numpy as np
import pytest

from server.adapters.kokoro.synthesis import SAMPLE_RATE, VOICES, Kokoro, KokoroError
from server.speech.domain.prosody.pitch import track

WORDS = ["キッテ", "オ", "カイ", "マ", "ス", "。"]


@pytest.fixture(scope="module")
def kokoro() -> Kokoro:
    return Kokoro()


def test_a_sentence_is_spoken_and_its_morae_are_placed(kokoro: Kokoro) -> None:
    spoken = kokoro.speak(WORDS)

    seconds = len(spoken.samples) / SAMPLE_RATE
    assert 1.0 < seconds < 4.0
    assert 0.1 < np.abs(spoken.samples).max() <= 1.2
    assert len(spoken.morae) == 8
    times = [time for mora in spoken.morae for time in mora]
    assert times == sorted(times)
    assert 0 < times[0] < times[-1] <= seconds


def test_the_same_is_spoken_the_same(kokoro: Kokoro) -> None:
    assert np.array_equal(kokoro.speak(WORDS).samples, kokoro.speak(WORDS).samples)


def test_speed_and_voice_are_heard(kokoro: Kokoro) -> None:
    slow, fast = kokoro.speak(WORDS, speed=0.8), kokoro.speak(WORDS, speed=1.2)
    assert len(slow.samples) > 1.2 * len(fast.samples)
    woman, man = (
        track(kokoro.speak(WORDS, voice).samples, SAMPLE_RATE).median or 0 for voice in ("jf_alpha", "jm_kumo")
    )
    assert woman > 1.3 * man


@pytest.mark.parametrize(
    ("words", "voice", "expected"),
    [([], VOICES[0], "1 to 500"), (["ア" * 501], VOICES[0], "has 501"), (WORDS, "jf_nobody", "jf_alpha")],
)
def test_what_cannot_be_spoken_is_refused(kokoro: Kokoro, words: list[str], voice: str, expected: str) -> None:
    with pytest.raises(KokoroError, match=expected):
        kokoro.speak(words, voice)
