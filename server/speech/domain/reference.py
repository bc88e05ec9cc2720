"""What is to be read, as morae and words with their places in the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.speech.domain.morae import split_morae


@dataclass(frozen=True, slots=True)
class TextSpan:
    """A stretch of a text in Unicode code points."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class ReadWord:
    """A word of a text with its pronunciation, as an analyser gives it.

    Attributes:
        text: the word as it stands in the text.
        span: where it stands.
        reading: how it is pronounced, katakana.
    """

    text: str
    span: TextSpan
    reading: str


@dataclass(frozen=True, slots=True)
class ReferenceMora:
    """One mora that is to be said.

    Attributes:
        kana: katakana, in the normal form of `split_morae`.
        word: index of its word.
    """

    kana: str
    word: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A text to be read aloud.

    Attributes:
        text: the text, unaltered.
        words: its words that are pronounced, in order.
        morae: its morae, in order.
        english: the text in English; empty when unknown.
    """

    text: str
    words: tuple[ReadWord, ...]
    morae: tuple[ReferenceMora, ...]
    english: str = ""

    @property
    def kana(self) -> tuple[str, ...]:
        """The morae as text."""
        return tuple(mora.kana for mora in self.morae)

    @property
    def reading(self) -> str:
        """The pronunciation of the whole."""
        return "".join(self.kana)


def build_reference(text: str, words: Sequence[ReadWord], english: str = "") -> Reference:
    """Puts the words' readings together; words without any (punctuation) are left out.

    Morae are found word by word, since a vowel lengthens the one before it only within a word (場合 is バ ア イ).
    """
    kept: list[ReadWord] = []
    morae: list[ReferenceMora] = []
    for word in words:
        own = split_morae(word.reading)
        if not own:
            continue
        morae.extend(ReferenceMora(kana, len(kept)) for kana in own)
        kept.append(word)
    return Reference(text, tuple(kept), tuple(morae), english)
