"""Whether there is speech, and in which language: the decisions before any text is believed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

FRAME = 0.032
"""Seconds of one frame of the voice detector."""


@dataclass(frozen=True, slots=True)
class Voice:
    """What the voice detector found in a stretch of audio.

    Attributes:
        peak: the highest probability of voice in any frame, 0 to 1.
        certain: seconds of frames above 0.5.
        possible: seconds of frames above 0.3.
    """

    peak: float
    certain: float
    possible: float


def measure_voice(probabilities: Sequence[float]) -> Voice:
    """Sums up the detector's frames."""
    return Voice(
        max(probabilities, default=0.0),
        FRAME * sum(p > 0.5 for p in probabilities),
        FRAME * sum(p > 0.3 for p in probabilities),
    )


@dataclass(frozen=True, slots=True)
class SpeechGate:
    """What counts as speech.

    Whisper writes something for any sound (お前は, スタッフの音が出ている), so text is only believed where the voice
    detector heard a voice. Shared recordings: isolated words and sentences have a peak of .88 and .13 s or more (.84 at
    8 kHz, with noise at 10 dB or a tenth as loud); music, noise, hum and made sounds mostly under .6, but a choir
    reached .81 after a little noise and a clipped hum .83. Between, Whisper's own opinion decides: it is .40 or less
    sure that words are no speech, .52 and more with those sounds.

    Attributes:
        least_peak: the highest frame must reach this.
        least_voice: seconds of certain voice.
        certain_peak: at this peak it is a voice, whatever Whisper thinks.
        doubtful_no_speech: below that peak Whisper's probability of no speech may not be higher.
        no_speech: at any peak, the probability of no speech above which ...
        least_logprob: ... the mean log probability of the tokens must reach this (OpenAI's rule and values).
    """

    least_peak: float = 0.8
    least_voice: float = 0.09
    certain_peak: float = 0.9
    doubtful_no_speech: float = 0.45
    no_speech: float = 0.6
    least_logprob: float = -1.0

    def voiced(self, voice: Voice) -> bool:
        """Whether there is anything to decode."""
        return voice.peak >= self.least_peak and voice.certain >= self.least_voice

    def believable(self, voice: Voice, no_speech_probability: float, logprob: float) -> bool:
        """Whether the decoder itself believes its text."""
        if voice.peak < self.certain_peak and no_speech_probability > self.doubtful_no_speech:
            return False
        return no_speech_probability <= self.no_speech or logprob >= self.least_logprob


@dataclass(frozen=True, slots=True)
class LanguageGate:
    """When speech counts as another language than the expected one.

    Language detection is unsure on isolated words (箸 is Korean at .95, Japanese at .018), so the expected language
    stands unless the evidence is strong. English, the language that learners fall back to, is told apart well: the
    shared English clips have it 290 times or more as likely as Japanese (37 times on pieces of 0.8 s), Japanese words
    at most 14 times. Any other language needs longer speech.

    Attributes:
        least: probability that the other language must have.
        english_odds: how many times as likely as the expected language English must be.
        english_odds_long: the same for long speech.
        other_odds_long: the same for every further language; short speech is never taken for one.
        long: seconds of voice that count as long.
        doubtful_odds: how many times as likely as the expected language English must be for a second look, where nobody
            knows what is to be said.
        better: by how much the mean log probability of the English text must then be higher. Of 120 short English
            phrases (four voices of flite) 25 became Japanese text without the second look and 9 with it; of 84 Japanese
            words it takes 2 for English, 線 and 天気, which sound like "Sing" and "Thank you" in Japanese too.
    """

    least: float = 0.6
    english_odds: float = 25.0
    english_odds_long: float = 10.0
    other_odds_long: float = 20.0
    long: float = 1.5
    doubtful_odds: float = 4.0
    better: float = 0.3

    def doubtful(self, languages: Mapping[str, float], expected: str) -> bool:
        """Whether speech that counts as the expected language may well be English.

        Args:
            languages: probability of each language.
            expected: what is expected, one of them.
        """
        return expected != "en" and languages.get("en", 0.0) >= self.doubtful_odds * languages[expected]

    def rather_english(self, expected_logprob: float, english_logprob: float) -> bool:
        """Whether doubtful speech is English, by the mean log probability of what each language makes of it."""
        return english_logprob >= expected_logprob + self.better

    def decide(self, languages: Mapping[str, float], expected: str, voice_seconds: float) -> str:
        """The language to transcribe in.

        Args:
            languages: probability of each language.
            expected: what is expected, one of them.
            voice_seconds: how much voice there is.
        """
        likeliest = max(languages, key=lambda language: languages[language])
        if likeliest == expected or languages[likeliest] < self.least:
            return expected
        odds = languages[likeliest] / max(languages[expected], 1e-9)
        if voice_seconds >= self.long:
            needed = self.english_odds_long if likeliest == "en" else self.other_odds_long
        else:
            needed = self.english_odds if likeliest == "en" else float("inf")
        return likeliest if odds >= needed else expected
