"""Whether a guess at unfinished speech may be shown: early on, speech in another language sounds like Japanese."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from server.speech.domain.comparison import agreement

_JAPANESE, _ENGLISH = "ja", "en"
_LEAST = 1e-9
_EAST_ASIAN = re.compile("[\u2e80-\U0003ffff]")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for Japanese in a piece of audio.

    Attributes:
        seconds: length of the audio from which on it holds.
        odds: how many times as likely as English Japanese must be.
        probability: how likely it must be among all languages, 0 to 1.
    """

    seconds: float
    odds: float
    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class PartialGate:
    """When a partial is shown.

    A recogniser that is told to write Japanese writes it for any speech, and its own opinion of the language is weak
    before there is a second of audio. So a guess is shown when the language is beyond doubt for that length, or when it
    reads like the beginning of what is to be read: English does that by chance only. The text always is the
    recogniser's own. docs/speech.md has the measurements behind the values.

    Attributes:
        language: what is beyond doubt, by length of the audio; the last that is no longer counts.
        onset: seconds of audio in which a text is to be read and has hardly begun ...
        at_onset: ... where this language is enough: the text may have other readings than the one known (方, 甲).
        odds: odds against English that a hypothesis must have to be shown because it reads like the text.
        short: morae up to which a hypothesis is short.
        short_agreement: the agreement with the text that a short one must have.
        agreement: the same for a longer one.
        certain_agreement: at this agreement a longer one is shown at any odds.
    """

    language: tuple[Evidence, ...] = (
        Evidence(0.0, 40.0, 0.75),
        Evidence(0.9, 1.0),
        Evidence(1.1, 0.5),
    )
    onset: float = 0.35
    at_onset: Evidence = Evidence(0.0, 8.0, 0.6)
    odds: float = 0.6
    short: int = 2
    short_agreement: float = 0.5
    agreement: float = 0.35
    certain_agreement: float = 0.7

    def surely_japanese(self, languages: Mapping[str, float], seconds: float) -> bool:
        """Whether the language alone is evidence enough.

        Args:
            languages: probability of each language, by its code; empty where the recogniser does not tell, which is
                then believed.
            seconds: length of the audio.
        """
        if not languages:
            return True
        needed = max(
            (evidence for evidence in self.language if evidence.seconds <= seconds), key=lambda one: one.seconds
        )
        return _reaches(languages, needed)

    def probably_begins(self, languages: Mapping[str, float], seconds: float) -> bool:
        """Whether this is the onset of a text that is to be read, as far as the language tells.

        Args:
            languages: probability of each language, by its code.
            seconds: length of the audio.
        """
        return seconds < self.onset and _reaches(languages, self.at_onset)

    def follows(self, languages: Mapping[str, float], expected: Sequence[str], heard: Sequence[str]) -> bool:
        """Whether a hypothesis reads like the beginning of what is to be read.

        Args:
            languages: probability of each language, by its code.
            expected: morae of the text.
            heard: morae of the hypothesis.
        """
        agreed, odds = agreement(expected, heard), _odds(languages)
        if len(heard) <= self.short:
            return agreed >= self.short_agreement and odds >= self.odds
        return agreed >= self.certain_agreement or (agreed >= self.agreement and odds >= self.odds)


def claims_japanese(text: str) -> bool:
    """Whether a hypothesis has anything in it that is not written so in English: kana, kanji, punctuation of theirs."""
    return _EAST_ASIAN.search(text) is not None


def _reaches(languages: Mapping[str, float], needed: Evidence) -> bool:
    return languages.get(_JAPANESE, 0.0) >= needed.probability and _odds(languages) >= needed.odds


def _odds(languages: Mapping[str, float]) -> float:
    return languages.get(_JAPANESE, 0.0) / max(languages.get(_ENGLISH, 0.0), _LEAST)
