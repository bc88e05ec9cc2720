"""Where an analyser's words stand in the text they came from.

Open JTalk works on a normalised text: full-width letters, digits written as kanji numerals, some symbols replaced.
Words are found again in the original by what they have in common; those in between share what is left.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from server.speech.domain.reference import TextSpan


def locate(text: str, surfaces: Sequence[str]) -> tuple[tuple[TextSpan, range], ...]:
    """Finds words in a text.

    Args:
        text: the original.
        surfaces: the words in order, as the analyser writes them.

    Returns:
        Spans in order that do not overlap, each with the indexes of the words that it holds: one where the word could
        be found, several neighbours where only their common place is known. Words that stand nowhere are left out;
        white space at the ends of a span is not in it.
    """
    folded, origin = _fold(text)
    found: list[tuple[TextSpan, range]] = []
    cursor = 0
    pending: list[int] = []
    for index, surface in enumerate(surfaces):
        wanted, _ = _fold(surface)
        # Only pending words may stand between, so a match far away is some other word.
        reach = cursor + sum(4 + 4 * len(surfaces[i]) for i in pending)
        at = folded.find(wanted, cursor, reach + len(wanted)) if wanted else -1
        if at < 0:
            pending.append(index)
            continue
        if pending:
            found.extend(_gap(cursor, at, origin, pending))
            pending = []
        found.append((_span(at, at + len(wanted), origin), range(index, index + 1)))
        cursor = at + len(wanted)
    if pending:
        found.extend(_gap(cursor, len(folded), origin, pending))
    stripped = ((_stripped(text, span), indexes) for span, indexes in found)
    return tuple((span, indexes) for span, indexes in stripped if span.length)


def _gap(start: int, end: int, origin: Sequence[int], pending: Sequence[int]) -> list[tuple[TextSpan, range]]:
    return [(_span(start, end, origin), range(pending[0], pending[-1] + 1))] if end > start else []


def _stripped(text: str, span: TextSpan) -> TextSpan:
    words = text[span.offset : span.offset + span.length]
    return TextSpan(span.offset + len(words) - len(words.lstrip()), len(words.strip()))


def _span(start: int, end: int, origin: Sequence[int]) -> TextSpan:
    first = origin[start]
    last = origin[end - 1]
    return TextSpan(first, last + 1 - first)


def _fold(text: str) -> tuple[str, list[int]]:
    """The text in compatibility form and lower case, and for each of its characters the index in the original."""
    folded: list[str] = []
    origin: list[int] = []
    for index, character in enumerate(text):
        for part in unicodedata.normalize("NFKC", character).casefold():
            folded.append(part)
            origin.append(index)
    return "".join(folded), origin
