"""What tells a decoder's runaway output from a transcript, and mends what can be mended. Pure."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenRates:
    """How many tokens speech can need.

    Measured on the shared recordings: right transcripts have at most 4 + 6.6 tokens for each second of voice (fast
    non-native reading); a sentence that the decoder wrote twice has 12 and more.

    Attributes:
        spare: tokens for the beginning and end, whatever the length.
        suspicious: tokens a second of voice above which the text is no transcript of it.
        most: tokens a second of voice at which decoding is cut.
    """

    spare: int = 4
    suspicious: float = 8.0
    most: float = 12.0

    def limit(self, voice_seconds: float) -> int:
        """The most tokens to decode."""
        return 2 * self.spare + math.ceil(self.most * voice_seconds)

    def runaway(self, tokens: int, voice_seconds: float) -> bool:
        """Whether so many tokens can't be what was said in that time."""
        return tokens > self.spare + self.suspicious * voice_seconds


_LOOP = re.compile(r"(.{1,20}?)\1{3,}", re.DOTALL)
_LEAST_LOOP = 12
_LEAST_DOUBLED = 4


def loops(text: str) -> bool:
    """Whether the text has a passage of 12 characters or more that is one unit four times or oftener.

    People do say はいはいはいはい; the length leaves them room.
    """
    return any(len(match.group()) >= _LEAST_LOOP for match in _LOOP.finditer(text))


_HELD = re.compile(r"([ぁ-おァ-オんンー〜])\1*[。、!?！？…]*")
_LEAST_HELD = 4
_LONGEST_SINGLE = 1.2


def held_tone(text: str, voice_seconds: float) -> bool:
    """Whether the text is what Whisper writes for a held tone, such as singing without words or a hum.

    That is one vowel or ん, four times or oftener, or once for more than a second (a lone え is 絵, said in 0.3 s).
    """
    match = _HELD.fullmatch(text)
    if match is None:
        return False
    count = len(text.rstrip("。、!?！？…"))
    return count >= _LEAST_HELD or voice_seconds > _LONGEST_SINGLE


def without_repetition(text: str) -> str:
    """The text up to where it begins to repeat itself.

    A text that is one unit again and again, the last perhaps cut off (`ABCABCA`), is that unit; of a loop after other
    text the first round is kept. Anything else comes back as it is.
    """
    match = _LOOP.search(text)
    if match is not None and match.start() > 0:
        return (text[: match.start()] + match.group(1)).rstrip("、, ")
    period = _period(text)
    return text[:period].rstrip("、, ") if period else text


def _period(text: str) -> int:
    """The smallest p for which the text is its first p characters over and over; 0 if there is none."""
    for period in range(1, len(text) // 2 + 1):
        rounds = len(text) / period
        if text[period:] == text[:-period] and (rounds >= 4 or period >= _LEAST_DOUBLED):
            return period
    return 0
