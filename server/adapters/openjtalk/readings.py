"""Open JTalk's words as each service wants them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from server.adapters.openjtalk.analyser import AnalysedWord, OpenJTalkAnalyser
from server.content.domain.furigana import Word
from server.speech.domain.reference import ReadWord


class SpokenReadings:
    """Words with how they are pronounced, for speech."""

    def __init__(self, analyser: OpenJTalkAnalyser) -> None:
        self._analyser = analyser

    @property
    def version(self) -> str:
        """Name and version of the analyser."""
        return self._analyser.version

    async def words(self, text: str) -> tuple[ReadWord, ...]:
        """The words of a text; punctuation has an empty reading.

        Raises:
            Unavailable: ANALYZER_UNAVAILABLE.
        """
        return tuple(ReadWord(word.text, word.span, word.pronunciation) for word in await self._analyser.analyse(text))


class SpelledReadings:
    """Words with how they are spelled, for content."""

    def __init__(self, analyser: OpenJTalkAnalyser) -> None:
        self._analyser = analyser

    async def words(self, text: str) -> Sequence[Word]:
        """The words of a text; punctuation has an empty reading.

        Raises:
            Unavailable: ANALYZER_UNAVAILABLE.
        """
        return [
            Word(word.span.offset, word.span.length, word.spelling, _lemma(word), word.kind)
            for word in await self._analyser.analyse(text)
        ]


def _lemma(word: AnalysedWord) -> str:
    return unicodedata.normalize("NFKC", word.text if word.lemma == "*" else word.lemma)
