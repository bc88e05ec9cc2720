"""The melody that is read from the voice's model is the one that the voice speaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyopenjtalk
import pytest

from server.adapters.openjtalk.analyser import analyse
from server.adapters.openjtalk.intonation import load_intonation
from server.adapters.openjtalk.pronunciation import pronounce
from server.speech.domain.pronunciation import Pronunciation
from server.speech.domain.prosody.pitch import track
from server.speech.domain.reference import ReadWord, build_reference
from server.speech.ports import SAMPLE_RATE, Samples

SENTENCES = (
    "橋を渡るとき、今日は雨だ。",
    "昨日は友達と一緒に映画を見に行きました。",
    "私は学校の図書館で日本語の本を読みます。",
)


def pitch(samples: Samples) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.nan_to_num(track(samples, SAMPLE_RATE).hertz)


def pronounced(text: str) -> Pronunciation:
    return pronounce(build_reference(text, [ReadWord(w.text, w.span, w.pronunciation) for w in analyse(text)]), pitch)


@pytest.mark.parametrize("text", SENTENCES)
def test_the_expected_melody_is_what_the_voice_speaks(text: str) -> None:
    found = pronounced(text)
    assert found.melody is not None
    assert found.onsets is not None
    assert found.f0 is not None
    middles, heard = [], []
    for mora, (_, end) in enumerate(found.spans):
        time = found.onsets[end - 1] + found.durations[end - 1] / 2 if found.durations is not None else 0.0
        hertz = found.f0[min(int(time * 100), len(found.f0) - 1)]
        if hertz > 0 and not np.isnan(found.melody.expected[mora, 1]):
            middles.append(found.melody.expected[mora, 1])
            heard.append(12 * np.log2(hertz))
    assert len(heard) > 8
    assert np.corrcoef(middles, heard)[0, 1] > 0.85


@pytest.mark.parametrize("text", SENTENCES)
def test_every_phrase_has_a_melody_for_every_accent(text: str) -> None:
    found = pronounced(text)
    assert found.melody is not None
    assert found.melody.expected.shape == (len(found.spans), 3)
    for phrase, melody in zip(found.phrases, found.melody.phrases, strict=True):
        if phrase.mora_count < 2:
            assert melody is None
            continue
        assert melody is not None
        assert len(melody.curves) == phrase.mora_count
        assert melody.first_mora <= phrase.first_mora
        # That of the accent it should have is that of the whole, but for what lies beyond the cut.
        own = melody.curves[phrase.nucleus - 1 if phrase.nucleus else -1]
        here = slice(phrase.first_mora - melody.first_mora, phrase.first_mora - melody.first_mora + phrase.mora_count)
        whole = found.melody.expected[phrase.first_mora : phrase.first_mora + phrase.mora_count]
        off = np.abs(own[here] - whole)
        assert np.nanmedian(off) < 0.3


def test_an_early_accent_falls_where_a_flat_one_does_not() -> None:
    melody = pronounced("橋を渡る").melody
    assert melody is not None
    assert melody.phrases[0] is not None
    first, _, flat = melody.phrases[0].curves
    assert first[0, 2] - first[2, 1] > flat[0, 2] - flat[2, 1] + 2


def test_what_is_no_voice_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "some.htsvoice"
    file.write_bytes(b"[GLOBAL]\nNUM_STATES:5\n[DATA]\n")
    with pytest.raises(ValueError, match=r"some\.htsvoice is no HTS voice"):
        load_intonation(file)
    whole = Path(pyopenjtalk.DEFAULT_HTS_VOICE.decode()).read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"some\.htsvoice"):
        load_intonation(file)


@pytest.mark.parametrize("speed", [0.8, 1.0, 1.2])
def test_the_planned_length_is_that_of_the_reading(speed: float) -> None:
    labels = pyopenjtalk.make_label(pyopenjtalk.run_frontend("昨日は友達と一緒に映画を見に行きました。"))
    wave, rate = pyopenjtalk.synthesize(labels, speed=speed)
    voice = load_intonation(Path(pyopenjtalk.DEFAULT_HTS_VOICE.decode()))
    frames = voice.frames(labels, speed)
    assert frames.shape == (len(labels), 5)
    assert frames.sum() * voice.frame == pytest.approx(len(wave) / rate)
