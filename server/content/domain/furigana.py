"""Furigana: readings as spans over an untouched text.

Offsets and lengths count Unicode code points of the text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from server.content.domain.kana import Kind, kind_of, spoken, to_hiragana
from server.content.domain.part_of_speech import PartOfSpeech

MAX_SPAN_READING = 64
_KANA_A_CHARACTER = 8
"""The longest reading of one character, in kana (㎡: へいほうめーとる)."""
_NEVER_FIRST = frozenset("っんーゃゅょぁぃぅぇぉゎ")
"""What no reading of a word begins with."""
_UNLIKELY_START = 8
_BEAM = 64


@dataclass(frozen=True, slots=True)
class FuriganaSpan:
    """A reading over a part of a text.

    Attributes:
        offset, length: the part.
        reading: kana.
    """

    offset: int
    length: int
    reading: str

    @property
    def end(self) -> int:
        """The offset after the part."""
        return self.offset + self.length


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text as an analyser finds it.

    Attributes:
        offset, length: where it stands.
        reading: kana, as the word is spelled (the particle は is は); empty for punctuation.
        lemma: the word as a dictionary lists it; empty: unknown.
        part_of_speech: what kind of word it is.
    """

    offset: int
    length: int
    reading: str
    lemma: str = ""
    part_of_speech: PartOfSpeech = PartOfSpeech.OTHER


def first_misfit(text: str, spans: Sequence[FuriganaSpan]) -> int | None:
    """The index of the first span that overlaps the one before, is out of order or reaches past the text."""
    end = 0
    for index, span in enumerate(spans):
        if span.offset < end or span.length < 1 or span.end > len(text):
            return index
        end = span.end
    return None


def render(text: str, spans: Sequence[FuriganaSpan]) -> str:
    """The reading of a text: its spans' readings in their places, the rest as it is written."""
    parts: list[str] = []
    end = 0
    for span in spans:
        parts += (text[end : span.offset], span.reading)
        end = span.end
    return "".join((*parts, text[end:]))


def unread(text: str, spans: Sequence[FuriganaSpan]) -> bool:
    """Whether something of the text needs a reading (kanji, digits, letters) and no span gives it one."""
    covered = {index for span in spans for index in range(span.offset, span.end)}
    return any(index not in covered and kind_of(char) is Kind.READ for index, char in enumerate(text))


def spans_of_words(text: str, words: Sequence[Word]) -> tuple[FuriganaSpan, ...]:
    """The analyser's readings as furigana: over kanji and other characters that need a reading, not over kana.

    A word whose reading can't be laid along its kana (今日は read こんにちわ) gets one span over all of it.
    """
    spans: list[FuriganaSpan] = []
    for word in words:
        written = text[word.offset : word.offset + word.length]
        said = spoken(word.reading)
        if not said or len(said) > MAX_SPAN_READING or not any(_needs_reading(char) for char in written):
            continue
        laid = lay(written, said)
        if laid is None:
            laid = (FuriganaSpan(0, word.length, said),)
        spans += (replace(span, offset=span.offset + word.offset) for span in laid)
    return tuple(spans)


def merge(given: Sequence[FuriganaSpan], hints: Sequence[FuriganaSpan]) -> tuple[FuriganaSpan, ...]:
    """The given spans and those of the hints that touch none of them, in order."""
    kept = [hint for hint in hints if not any(hint.offset < span.end and span.offset < hint.end for span in given)]
    return tuple(sorted((*given, *kept), key=lambda span: span.offset))


def lay(
    text: str, reading: str, *, given: Sequence[FuriganaSpan] = (), hints: Sequence[FuriganaSpan] = ()
) -> tuple[FuriganaSpan, ...] | None:
    """Lays the reading of a whole text along it.

    Kana have to stand in the reading as they are written (hiragana and katakana are one); what lies between is shared
    out among the characters that need a reading, as near to the hints as it can be. The search keeps the `_BEAM` best
    beginnings at every step, so its time is linear in the text.

    Args:
        text: what is written.
        reading: kana; punctuation in it makes no difference.
        given: spans that have to hold as they are.
        hints: an analyser's spans, which may be wrong.

    Returns:
        `given` and the spans found between them, in order; None if the reading is not one of this text.
    """
    said = spoken(reading)
    pieces = list(_pieces(text, given, hints))
    steps: list[dict[int, tuple[int, int]]] = []
    reached = {0: 0}
    remaining = total = sum(piece.usual for piece in pieces)
    for piece in pieces:
        step: dict[int, tuple[int, int]] = {}
        for position, cost in reached.items():
            for length, extra in piece.options(said, position):
                end, price = position + length, cost + extra
                if end not in step or price < step[end][0]:
                    step[end] = (price, position)
        if not step:
            return None
        # What is left over or missing, measured by what the rest usually takes, has to be paid for later; where two
        # shares cost the same, the more even one is better.
        remaining -= piece.usual
        even = len(said) * (total - remaining) / max(total, 1)
        promise = {end: (cost + abs(len(said) - end - remaining), abs(end - even)) for end, (cost, _) in step.items()}
        reached = {end: step[end][0] for end in sorted(step, key=promise.__getitem__)[:_BEAM]}
        steps.append(step)
    if len(said) not in reached:
        return None
    found: list[FuriganaSpan] = []
    end = len(said)
    for piece, step in zip(reversed(pieces), reversed(steps), strict=True):
        start = step[end][1]
        if piece.open and said[start:end] not in ("", piece.folded):
            found.append(FuriganaSpan(piece.offset, piece.length, said[start:end]))
        end = start
    return tuple(sorted((*given, *found), key=lambda span: span.offset))


@dataclass(frozen=True, slots=True)
class _Piece:
    """A stretch of text that takes a stretch of the reading.

    Attributes:
        offset, length: the stretch of text.
        folded: what it has to be read as; where it is open, how it is written.
        open: whether it may be read as any kana.
        least: how many kana an open one takes at least.
        expected: how an analyser reads an open one; empty if it doesn't say.
    """

    offset: int
    length: int
    folded: str
    open: bool = False
    least: int = 0
    expected: str = ""

    @property
    def usual(self) -> int:
        """How many kana it usually takes."""
        if not self.open:
            return len(self.folded)
        return len(self.expected) or 2 * self.length

    def options(self, said: str, position: int) -> Iterator[tuple[int, int]]:
        """How many characters of the reading it may take from `position`, each with what that costs."""
        if said.startswith(self.folded, position):
            yield len(self.folded), 0
        if not self.open:
            return
        if self.expected and said.startswith(self.expected, position):
            yield len(self.expected), 0
        start = _UNLIKELY_START if said[position : position + 1] in _NEVER_FIRST else 0
        for length in range(self.least, min(_KANA_A_CHARACTER * self.length, MAX_SPAN_READING) + 1):
            if position + length > len(said) or (length and kind_of(said[position + length - 1]) is not Kind.KANA):
                return
            yield length, 1 + abs(length - self.usual) + start


def _pieces(text: str, given: Sequence[FuriganaSpan], hints: Sequence[FuriganaSpan]) -> Iterator[_Piece]:
    fixed = {span.offset: span for span in given}
    expected: Mapping[tuple[int, int], str] = {(hint.offset, hint.length): spoken(hint.reading) for hint in hints}
    cuts = {cut for hint in hints for cut in (hint.offset, hint.end)}
    index = 0
    while index < len(text):
        if (span := fixed.get(index)) is not None:
            yield _Piece(span.offset, span.length, spoken(span.reading))
            index = span.end
            continue
        if not _needs_reading(text[index]):
            if kind_of(text[index]) is Kind.KANA:
                yield _Piece(index, 1, to_hiragana(text[index]))
            index += 1
            continue
        end = index + 1
        latin = _is_latin(text[index])
        while end < len(text) and _needs_reading(text[end]) and _is_latin(text[end]) == latin:
            if end in cuts or end in fixed:
                break
            end += 1
        yield _Piece(
            index,
            end - index,
            spoken(text[index:end]),
            open=True,
            least=int(any(kind_of(char) is Kind.READ for char in text[index:end])),
            expected=expected.get((index, end - index), ""),
        )
        index = end


def _needs_reading(char: str) -> bool:
    return kind_of(char) in (Kind.READ, Kind.MAYBE)


def _is_latin(char: str) -> bool:
    wide = to_hiragana(char)
    return wide.isascii() and wide.isalpha()
