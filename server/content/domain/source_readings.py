"""Readings that people gave at the source: Tatoeba's indices, ruby in Anki notes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from server.content.domain.furigana import MAX_SPAN_READING, FuriganaSpan, lay
from server.content.domain.kana import Kind, is_kanji, kind_of, to_hiragana

_WORD = re.compile(
    r"(?P<head>[^(\[{~|\s]+)(?:\|\d+)?(?:\((?P<reading>[^)]*)\))?(?:\[\d+\])?(?:\{(?P<form>[^}]*)\})?~?$"
)


def spans_of_index(text: str, index: str) -> tuple[tuple[FuriganaSpan, ...], bool]:
    """The readings that an index of Tatoeba gives for a sentence.

    An index is `headword(reading|#number)[sense]{form in the sentence}~` for each word, all but the headword optional.

    Args:
        text: the sentence.
        index: its line, without the ids.

    Returns:
        Spans over what needs a reading, and whether every word of the index stands in the sentence.
    """
    spans: list[FuriganaSpan] = []
    cursor = 0
    fits = True
    for token in index.split():
        word = _WORD.match(token)
        if word is None:
            fits = False
            continue
        head, form = word["head"], word["form"] or word["head"]
        at = text.find(form, cursor)
        if at < 0:
            fits = False
            continue
        cursor = at + len(form)
        reading = word["reading"] or ""
        if not reading or reading.startswith("#") or not any(kind_of(char) is Kind.READ for char in form):
            continue
        spans += (replace(span, offset=span.offset + at) for span in _over(form, _inflected(head, reading, form)))
    return tuple(spans), fits


def spans_of_ruby(text: str, given: Sequence[FuriganaSpan]) -> tuple[tuple[FuriganaSpan, ...], bool]:
    """The readings that ruby gives, each over the characters that it is meant for.

    Args:
        text: the text.
        given: spans that may begin too early, as ruby without a space before it has no beginning.

    Returns:
        Spans as narrow as the kana in the text allow, and whether all could be laid.
    """
    spans: list[FuriganaSpan] = []
    fits = True
    for span in given:
        base = text[span.offset : span.end]
        laid = _over(base, span.reading)
        start = 0
        while not laid and start < len(base):
            # What it is meant for is at its end, and begins with a kanji.
            start = next((i for i in range(start + 1, len(base)) if is_kanji(base[i])), len(base))
            laid = _over(base[start:], span.reading)
        if not laid and base:
            fits = False
        spans += (replace(part, offset=part.offset + span.offset + start) for part in laid)
    return tuple(spans), fits


def _inflected(head: str, reading: str, form: str) -> str:
    """The reading of a form of a word, from that of its headword; empty where it can't be told."""
    if form == head:
        return reading
    shared = 0
    while shared < min(len(head), len(form)) and head[shared] == form[shared]:
        shared += 1
    tail = head[shared:]
    if not shared or any(kind_of(char) is not Kind.KANA for char in tail + form[shared:]):
        # Written otherwise, as numbers are: 二十歳 and ２０歳. Then nothing was inflected.
        same = all(kind_of(char) is not Kind.KANA for char in head + form)
        return reading if same else ""
    said, ending = to_hiragana(reading), to_hiragana(tail)
    if not said.endswith(ending):
        return ""
    return said[: len(said) - len(ending)] + form[shared:]


def _over(text: str, reading: str) -> tuple[FuriganaSpan, ...]:
    if not reading or len(reading) > MAX_SPAN_READING or any(kind_of(char) is not Kind.KANA for char in reading):
        return ()
    return lay(text, reading) or ()
