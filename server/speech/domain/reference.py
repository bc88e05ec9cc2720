"""What is to be read, as morae and words with their places in the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.speech.domain.comparison import align
from server.speech.domain.morae import plain_morae, split_morae


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
        nucleus: the accent that was asked for, as the mora after which the pitch drops, 0 for flat; None: as the
            analyser has it.
    """

    text: str
    span: TextSpan
    reading: str
    nucleus: int | None = None


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


def with_reading(words: Sequence[ReadWord], reading: str, text: str) -> tuple[ReadWord, ...]:
    """The words of an analyser with a reading of the whole text that a human checked.

    Both readings are aligned, and each kana of the checked one goes to the word of its partner; one without
    a partner to the word before it. Where the checked reading is spelled and the analyser tells how that is said (the
    particles は and へ), the analyser is followed.

    Args:
        words: the analyser's words in order, with their pronunciation.
        reading: kana of the whole, spelled or as pronounced.
        text: what the words stand in.

    Returns:
        Words in order; one that got no kana is joined to the one before (or after, at the beginning).
    """
    spoken = [(mora, index) for index, word in enumerate(words) for mora in plain_morae(word.reading)]
    checked = plain_morae(reading)
    kana: dict[int, str] = {}
    current = 0
    for pair in align([mora for mora, _ in spoken], checked):
        wanted = ""
        if pair.expected is not None:
            wanted, current = spoken[pair.expected]
        if pair.heard is not None:
            mora = checked[pair.heard]
            kana[current] = kana.get(current, "") + (wanted if (wanted, mora) in _AS_PARTICLE else mora)
    given = sorted(kana)
    result: list[ReadWord] = []
    for position, index in enumerate(given):
        first = index if position else 0
        last = given[position + 1] - 1 if position + 1 < len(given) else len(words) - 1
        # Punctuation after a word is none of it.
        while last > index and not plain_morae(words[last].reading):
            last -= 1
        start = words[first].span.offset
        end = words[last].span.offset + words[last].span.length
        result.append(ReadWord(text[start:end], TextSpan(start, end - start), kana[index]))
    return tuple(result)


_AS_PARTICLE = frozenset({("ワ", "ハ"), ("エ", "ヘ")})
