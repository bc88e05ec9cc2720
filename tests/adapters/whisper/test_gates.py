from __future__ import annotations

import pytest

from server.adapters.whisper.gates import LanguageGate, SpeechGate, Voice, measure_voice

SPEECH = SpeechGate()
LANGUAGE = LanguageGate()


def test_voice_is_summed_up() -> None:
    voice = measure_voice([0.1, 0.4, 0.9])
    assert (voice.peak, voice.certain, voice.possible) == pytest.approx((0.9, 0.032, 0.064))
    assert measure_voice([]) == Voice(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("voice", "voiced"),
    [
        (Voice(0.99, 0.42, 0.45), True),
        (Voice(0.88, 0.16, 0.19), True),
        (Voice(0.67, 0.26, 0.54), False),
        (Voice(0.95, 0.064, 0.1), False),
        (Voice(0.02, 0.0, 0.0), False),
    ],
)
def test_a_voice_must_be_certain_for_a_while(voice: Voice, voiced: bool) -> None:
    assert SPEECH.voiced(voice) is voiced


@pytest.mark.parametrize(
    ("peak", "no_speech", "logprob", "believable"),
    [
        (0.99, 0.02, -1.9, True),
        (0.99, 0.63, -0.4, True),
        (0.99, 0.7, -1.5, False),
        (0.85, 0.21, -0.7, True),
        (0.83, 0.65, -0.4, False),
    ],
)
def test_whispers_own_doubt_counts(peak: float, no_speech: float, logprob: float, believable: bool) -> None:
    assert SPEECH.believable(Voice(peak, 0.2, 0.2), no_speech, logprob) is believable


@pytest.mark.parametrize(
    ("languages", "voice_seconds", "decided"),
    [
        ({"ja": 0.9, "en": 0.01}, 0.4, "ja"),
        # Measured: 箸, 進む, 期限, 天気; English sentences and pieces of 0.8 s; a sentence that Whisper is unsure of.
        ({"ja": 0.018, "ko": 0.95}, 0.45, "ja"),
        ({"ja": 0.045, "en": 0.64}, 0.7, "ja"),
        ({"ja": 0.066, "en": 0.60}, 0.42, "ja"),
        ({"ja": 0.0215, "en": 0.41}, 0.51, "ja"),
        ({"ja": 0.0001, "en": 0.98}, 2.0, "en"),
        ({"ja": 0.0196, "en": 0.72}, 0.48, "en"),
        ({"ja": 0.0023, "en": 0.84}, 0.35, "en"),
        ({"ja": 0.26, "es": 0.15}, 4.0, "ja"),
        ({"ja": 0.001, "ko": 0.97}, 3.0, "ko"),
        ({"ja": 0.001, "ko": 0.97}, 0.6, "ja"),
    ],
)
def test_the_expected_language_stands_unless_the_evidence_is_strong(
    languages: dict[str, float], voice_seconds: float, decided: str
) -> None:
    assert LANGUAGE.decide(languages, "ja", voice_seconds) == decided


def test_english_that_may_sound_japanese_is_doubtful() -> None:
    gate = LanguageGate()
    assert gate.doubtful({"ja": 0.021, "en": 0.54}, "ja")
    assert not gate.doubtful({"ja": 0.2, "en": 0.66}, "ja")
    assert not gate.doubtful({"ja": 0.9, "en": 0.05}, "ja")
    assert not gate.doubtful({"ja": 0.02, "en": 0.9}, "en")


def test_doubtful_speech_is_english_where_its_text_is_clearly_likelier_so() -> None:
    gate = LanguageGate()
    assert gate.rather_english(-1.34, -0.30)
    assert not gate.rather_english(-1.01, -0.95)
    assert not gate.rather_english(-0.5, -0.9)
