"""The prosody of readings by the reference voice, with its real pitch, phones and melody."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pyopenjtalk
import pytest
import soxr

from server.adapters.domino.network import DominoNetwork
from server.adapters.domino.weights import find_weights
from server.adapters.openjtalk.analyser import analyse
from server.adapters.openjtalk.pronunciation import pronounce
from server.assembly.speech import reference_pitch
from server.speech.domain.assessment import Assessment, ErrorKind, Versions
from server.speech.domain.endpointing import Segment
from server.speech.domain.hearing import Heard, SignalQuality
from server.speech.domain.reference import ReadWord, Reference, build_reference
from server.speech.parameters import assessment_parameters
from server.speech.phoneme_assessor import PhonemeAssessor
from server.speech.ports import SAMPLE_RATE, Samples

SENTENCE = "妹は大きな橋を渡りました。"
PHRASES = ["妹は", "大きな", "橋を", "渡りました"]


def reference(text: str) -> Reference:
    return build_reference(text, [ReadWord(w.text, w.span, w.pronunciation) for w in analyse(text)])


def spoken(text: str, accents: dict[str, int] | None = None) -> Samples:
    """Open JTalk's reading, with other accents on some words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        features: list[Any] = copy.deepcopy(pyopenjtalk.run_frontend(text))
    for feature in features:
        feature["acc"] = (accents or {}).get(feature["string"], feature["acc"])
    wave, rate = pyopenjtalk.synthesize(pyopenjtalk.make_label(features))
    mono = soxr.resample(np.asarray(wave / 32768, np.float32), rate, SAMPLE_RATE)
    quiet = np.zeros(SAMPLE_RATE // 5, np.float32)
    return np.concatenate([quiet, np.asarray(0.6 * mono / np.abs(mono).max(), np.float32), quiet])


@pytest.fixture(scope="module")
def assessor() -> PhonemeAssessor:
    weights = find_weights("domino")
    network = DominoNetwork(weights.file, name=weights.name)
    # Everything is judged in this thread: neither pronunciations nor threads are asked for.
    return PhonemeAssessor(network, None, None, assessment_parameters())  # type: ignore[arg-type]


def assess(assessor: PhonemeAssessor, samples: Samples, text: str = SENTENCE) -> Assessment:
    wanted = reference(text)
    whole = (Segment(0.2, len(samples) / SAMPLE_RATE - 0.2),)
    heard = Heard(text, wanted.kana, "ja", whole, SignalQuality(0.0, None), 1.0)
    return assessor.judge([pronounce(wanted, reference_pitch)], heard, samples, Versions("", "", ""))


def test_right_accents_are_found_right(assessor: PhonemeAssessor) -> None:
    found = assess(assessor, spoken(SENTENCE))
    assert found.prosody is not None
    assert [phrase.wrong for phrase in found.prosody.accents] == [False] * len(PHRASES)
    assert [phrase.accepted[0] for phrase in found.prosody.accents] == [4, 1, 2, 4]
    assert found.scores.prosody is not None
    assert found.scores.prosody > 85


@pytest.mark.parametrize(("word", "nucleus", "place"), [("大きな", 0, 1), ("大きな", 3, 1), ("妹", 1, 0)])
def test_a_wrong_accent_is_told(assessor: PhonemeAssessor, word: str, nucleus: int, place: int) -> None:
    right, wrong = assess(assessor, spoken(SENTENCE)), assess(assessor, spoken(SENTENCE, {word: nucleus}))
    assert wrong.prosody is not None
    assert [phrase.wrong for phrase in wrong.prosody.accents] == [index == place for index in range(len(PHRASES))]
    told = [finding for finding in wrong.findings if finding.error is ErrorKind.ACCENT]
    assert [(one.key, one.first_mora) for one in told] == [("accent_wrong", wrong.prosody.accents[place].first_mora)]
    assert dict(told[0].parameters)["expected_nucleus"] == wrong.prosody.accents[place].accepted[0]
    assert wrong.scores.prosody is not None
    assert right.scores.prosody is not None
    assert wrong.scores.prosody < right.scores.prosody - 10


def test_curves_share_the_time_of_the_recording(assessor: PhonemeAssessor) -> None:
    samples = spoken(SENTENCE)
    found = assess(assessor, samples).prosody
    assert found is not None
    assert len(found.learner) == len(found.reference) == len(samples) // 160
    assert found.learner_median == pytest.approx(350, abs=60)
    # The reference is the same voice: both curves are nearly one.
    both = [(a, b) for a, b in zip(found.learner, found.reference, strict=True) if a is not None and b is not None]
    assert len(both) > 100
    assert np.median([abs(a - b) for a, b in both]) < 0.7
    assert len(found.mora_pitch) == len(found.reference_mora_pitch) == len(reference(SENTENCE).morae)


def test_a_pause_inside_a_phrase_is_no_place_to_pause(assessor: PhonemeAssessor) -> None:
    samples = spoken(SENTENCE)
    whole = assess(assessor, samples)
    assert whole.morae[7].span is not None
    cut = round(whole.morae[7].span.end * SAMPLE_RATE)
    broken = np.concatenate([samples[:cut], np.zeros(SAMPLE_RATE // 2, np.float32), samples[cut:]])
    found = assess(assessor, broken)
    assert found.fluency is not None
    assert [(pause.after_mora, pause.expected) for pause in found.fluency.pauses] == [(7, False)]
    assert found.scores.fluency is not None
    assert whole.scores.fluency is not None
    assert found.scores.fluency < whole.scores.fluency


def test_a_word_has_no_fluency(assessor: PhonemeAssessor) -> None:
    found = assess(assessor, spoken("橋"), "橋")
    assert found.scores.fluency is None
    assert found.scores.overall is not None


def test_half_a_reading_has_no_accents(assessor: PhonemeAssessor) -> None:
    samples = spoken(SENTENCE)
    found = assess(assessor, samples[: len(samples) // 2])
    assert found.scores.prosody is None
    assert found.prosody is not None
    assert found.prosody.accents == ()
    assert found.prosody.mora_pitch[-1] == (None, None, None)


def test_a_whisper_has_no_prosody(assessor: PhonemeAssessor) -> None:
    samples = spoken("橋")
    noise = np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
    found = assess(assessor, np.asarray(np.abs(samples) * noise, np.float32), "橋")
    assert found.scores.prosody is None
    assert all(finding.error is not ErrorKind.ACCENT for finding in found.findings)
