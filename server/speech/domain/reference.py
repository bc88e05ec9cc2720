"""What is to be read, as morae and words with their places in the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.speech.domain.comparison import align
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

    Morae are found word by word, since a vowel lengthens the one before it only within a word: 今日は雨 keeps its ア.
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


def distribute(reading: Reference, words: Reference) -> Reference:
    """A reference with the morae of one and the words of the other.

    The morae of a reading that was checked as a whole are aligned with those of the words; each goes to the word of its
    partner, and one without a partner to the word before it. Words left without morae are joined to the one before.
    """
    owner: list[int] = []
    current = 0
    for pair in align(words.kana, reading.kana):
        if pair.expected is not None:
            current = words.morae[pair.expected].word
        if pair.heard is not None:
            owner.append(current)
    used = sorted(set(owner))
    kept: list[ReadWord] = []
    for position, index in enumerate(used):
        first = index if position else 0
        last = used[position + 1] - 1 if position + 1 < len(used) else len(words.words) - 1
        group = words.words[first : last + 1]
        start, end = group[0].span.offset, group[-1].span.offset + group[-1].span.length
        kana = "".join(k for k, o in zip(reading.kana, owner, strict=True) if o == index)
        kept.append(ReadWord(words.text[start:end], TextSpan(start, end - start), kana))
    number = {index: position for position, index in enumerate(used)}
    morae = tuple(ReferenceMora(k, number[o]) for k, o in zip(reading.kana, owner, strict=True))
    return Reference(words.text, tuple(kept), morae, words.english)
