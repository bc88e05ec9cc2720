"""The assessor with its real network and voice: what it tells of readings whose errors are known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from server.adapters.domino.network import DominoNetwork
from server.adapters.domino.weights import find_weights
from server.adapters.engine_threads import Backlog, EngineThreads
from server.adapters.openjtalk.analyser import analyse
from server.adapters.openjtalk.pronunciation import OpenJTalkPronunciations
from server.adapters.openjtalk.synthesis import synthesize
from server.speech.domain.assessment import Assessment, ErrorKind, UnassessableReason
from server.speech.domain.endpointing import Segment
from server.speech.domain.hearing import Heard, SignalQuality
from server.speech.domain.reference import ReadWord, Reference, build_reference
from server.speech.parameters import assessment_parameters
from server.speech.phoneme_assessor import PhonemeAssessor
from server.speech.ports import SAMPLE_RATE, Samples
from server.speech.reading_follower import PhonemeFollower
from tests.support.recordings import recordings

SENTENCE = "弟は大学で経済を勉強している。"


@pytest.fixture(scope="module")
def network() -> DominoNetwork:
    weights = find_weights("domino")
    return DominoNetwork(weights.file, name=weights.name)


@pytest.fixture(scope="module")
def pronunciations() -> Iterator[OpenJTalkPronunciations]:
    made = OpenJTalkPronunciations()
    yield made
    made.close()


@pytest.fixture(scope="module")
def threads() -> Iterator[EngineThreads]:
    made = EngineThreads(1, Backlog(), name="test", engine="assessment")
    yield made
    made.close()


@pytest.fixture
def assessor(
    network: DominoNetwork, pronunciations: OpenJTalkPronunciations, threads: EngineThreads
) -> PhonemeAssessor:
    return PhonemeAssessor(network, pronunciations, threads, assessment_parameters())


def reference(text: str, **readings: str) -> Reference:
    words = [ReadWord(w.text, w.span, readings.get(w.text, w.pronunciation)) for w in analyse(text)]
    return build_reference(text, words)


async def judge(assessor: PhonemeAssessor, samples: Samples, *references: Reference) -> Assessment:
    end = len(samples) / SAMPLE_RATE
    heard = Heard("聞こえた", ("ア",), "ja", (Segment(0.0, end),), SignalQuality(0.0, 40.0), 0.9)
    return await assessor.assess(references, heard, samples, speech_model="none", analyzer="none")


def findings(assessment: Assessment) -> list[tuple[str, object]]:
    return [(finding.key, dict(finding.parameters).get("word")) for finding in assessment.findings]


async def test_a_right_reading(assessor: PhonemeAssessor) -> None:
    result = await judge(assessor, synthesize(SENTENCE), reference(SENTENCE))
    assert result.assessable
    assert result.scores.overall is not None
    assert result.scores.overall >= 85
    assert result.scores.completeness == 100
    assert [finding.key for finding in result.findings] == ["well_done"]
    assert result.versions.recipe == assessment_parameters().recipe
    assert result.versions.acoustic_model.startswith("domino ")
    spans = [mora.span for mora in result.morae]
    assert all(span is not None and span.start < span.end for span in spans)
    assert [mora.heard for mora in result.morae] == [mora.kana for mora in result.morae]
    assert all(word.span is not None for word in result.words)


@pytest.mark.parametrize(
    ("said", "expected", "key", "word", "error"),
    [
        ("学校で花を見た。", "学校で鼻血を見た。", "sound_omitted", "鼻血", ErrorKind.OMISSION),
        ("ビルを飲みました。", "ビールを飲みました。", "long_vowel_shortened", "ビール", ErrorKind.LENGTH),
        ("来て見ました。", "切って見ました。", "geminate_lost", "切っ", ErrorKind.GEMINATE),
        ("大学で勉強する。", "退学で勉強する。", "voicing_added", "退学", ErrorKind.VOICING),
    ],
)
async def test_an_error_is_told_with_its_word(
    assessor: PhonemeAssessor, said: str, expected: str, key: str, word: str, error: ErrorKind
) -> None:
    result = await judge(assessor, synthesize(said), reference(expected))
    assert findings(result)[0] == (key, word)
    assert result.findings[0].work_on
    assert result.findings[0].error is error
    assert result.findings[0].evidence is not None
    assert next(w for w in result.words if w.word.text == word).error is error
    right = await judge(assessor, synthesize(expected), reference(expected))
    assert (right.scores.accuracy or 0) > (result.scores.accuracy or 0) + 3


async def test_a_word_that_is_left_out(assessor: PhonemeAssessor) -> None:
    result = await judge(assessor, synthesize("弟は勉強している。"), reference("弟は大学で勉強している。"))
    left_out = {word.word.text for word in result.words if word.error is ErrorKind.OMISSION and word.span is None}
    assert left_out == {"大学", "で"}
    assert result.scores.completeness == pytest.approx(100 * 13 / 18, abs=8)
    assert ("word_omitted", "大学") in findings(result)


async def test_half_a_reading_is_incomplete(assessor: PhonemeAssessor) -> None:
    result = await judge(assessor, synthesize("弟は大学で"), reference("弟は大学で、経済を勉強している。"))
    assert result.findings[0].key == "incomplete"
    assert dict(result.findings[0].parameters)["morae_read"] == 10
    assert result.scores.accuracy is not None
    assert result.scores.accuracy >= 80
    assert result.scores.completeness is not None
    assert result.scores.completeness < 60
    assert [mora.span is None for mora in result.morae] == [False] * 10 + [True] * (len(result.morae) - 10)


async def test_the_reading_that_was_said_counts(assessor: PhonemeAssessor) -> None:
    both = reference("今日は雨だ", 今日="キョー"), reference("今日は雨だ", 今日="コンニチ")
    for number, kana in enumerate(("キョー", "コンニチ")):
        result = await judge(assessor, synthesize(f"{kana}わ雨だ"), *both)
        assert result.matched_answer == number
        assert "".join(mora.kana for mora in result.morae).startswith(kana)


async def test_something_else_is_not_judged(assessor: PhonemeAssessor) -> None:
    result = await judge(assessor, synthesize("すみません、駅はどこですか。"), reference(SENTENCE))
    assert result.reason is UnassessableReason.OTHER_CONTENT
    assert result.scores.overall is None
    assert result.morae == ()


@pytest.mark.parametrize("level", [0.0, 1e-3, 0.05])
async def test_noise_is_not_judged(assessor: PhonemeAssessor, level: float) -> None:
    samples = (np.random.default_rng(1).standard_normal(3 * SAMPLE_RATE) * level).astype(np.float32)
    result = await judge(assessor, samples, reference(SENTENCE))
    assert result.reason is UnassessableReason.OTHER_CONTENT


async def test_the_same_audio_gives_the_same_assessment(assessor: PhonemeAssessor) -> None:
    samples = synthesize(SENTENCE)
    one = await judge(assessor, samples, reference(SENTENCE))
    assert one == await judge(assessor, samples.copy(), reference(SENTENCE))


async def test_a_long_reading(assessor: PhonemeAssessor) -> None:
    once = synthesize(SENTENCE)
    result = await judge(assessor, np.concatenate([once] * 5), reference(SENTENCE * 5))
    assert result.scores.overall is not None
    assert result.scores.overall >= 80
    assert result.scores.completeness == 100


async def test_recordings_of_natives_are_judged(assessor: PhonemeAssessor) -> None:
    scores = []
    for recording in recordings("speech"):
        if recording.kind == "word" and recording.text:
            result = await judge(assessor, recording.samples, reference(recording.text))
            scores.append(result.scores.overall or 0.0)
            if len(scores) == 20:
                break
    assert np.median(scores) >= 80


async def test_the_position_is_followed(
    network: DominoNetwork, pronunciations: OpenJTalkPronunciations, threads: EngineThreads
) -> None:
    text = SENTENCE * 3
    samples = synthesize(text)
    sounds = await pronunciations.of(reference(text))
    assert sounds.onsets is not None
    reading = PhonemeFollower(network, pronunciations, threads).open(sounds.reference)

    def part(start: float, end: float) -> Samples:
        return samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)]

    # The voice makes pauses between sentences, which the lengths don't have: told places are held against the order.
    told = [await reading.morae_read(part, until) for until in np.arange(0.4, len(samples) / SAMPLE_RATE, 0.2)]
    assert told == sorted(told)
    assert told[0] <= 1
    assert told[-1] == len(sounds.spans)
    assert max(np.diff(told)) <= 4
    first = sounds.onsets[sounds.spans[10][0]] + 0.3
    assert told[int((first - 0.4) / 0.2) + 2] in range(9, 14)
