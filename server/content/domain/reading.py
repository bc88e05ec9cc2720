"""Which reading a sentence gets, from what people say and what an analyser finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from server.content.domain.furigana import FuriganaSpan, Word, first_misfit, lay, merge, render, spans_of_words, unread
from server.content.domain.kana import is_kanji, spoken
from server.content.domain.text import check_text
from server.errors import InvalidInput, Reason


class ReadingOrigin(StrEnum):
    """Who says that a reading is right."""

    ANALYZER = "analyzer"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of a text.

    Attributes:
        text: the whole text in kana: what is written in kana stays in its script, the rest is as its furigana say, and
            punctuation stands where it stood.
        furigana: the spans.
        origin: who says so.
    """

    text: str
    furigana: tuple[FuriganaSpan, ...]
    origin: ReadingOrigin


def shift_spans(given: str, kept: str, spans: Sequence[FuriganaSpan], path: str) -> tuple[FuriganaSpan, ...]:
    """Spans over a text as it was sent, moved to where they belong once white space at its ends is gone.

    Raises:
        InvalidInput: SPAN_MISFIT for the first that overlaps another, is out of order or reaches past the text.
    """
    lead = len(given) - len(given.lstrip())
    moved = tuple(replace(span, offset=span.offset - lead) for span in spans)
    if (index := first_misfit(kept, moved)) is not None:
        raise InvalidInput(
            f"{path}[{index}]",
            f"overlaps another span, is out of order, or reaches past the text of {len(kept)} characters",
            reason=Reason.SPAN_MISFIT,
            metadata={"character_count": str(len(kept))},
        )
    return moved


def settle_reading(
    text: str, reading: str, furigana: Sequence[FuriganaSpan], words: Sequence[Word], *, path: str = ""
) -> Reading:
    """Brings a person's reading and furigana, as far as there are any, and the analyser's words together.

    - Neither: the analyser's.
    - A reading: the analyser's spans where they agree with it, else spans that do.
    - Furigana: they stay as they are; what they leave unread is read as the analyser does.
    - Both: they have to agree, and furigana stay as they are.

    Args:
        text: the sentence.
        reading, furigana: what a person gave; empty: nothing. The spans fit the text.
        words: the analyser's.
        path: what field paths in errors begin with.

    Raises:
        InvalidInput: INVALID_FIELD on `reading` when it has kanji or is not one of this text with these furigana.
    """
    given = tuple(furigana)
    hints = spans_of_words(text, words)
    if not spoken(reading):
        spans = merge(given, hints) if given and unread(text, given) else given or hints
        origin = ReadingOrigin.HUMAN if given else ReadingOrigin.ANALYZER
        return Reading(render(text, spans), given or hints, origin)
    field = f"{path}reading"
    if any(map(is_kanji, check_text(reading, field))):
        raise InvalidInput(field, "has kanji; write all of it in kana")
    laid = lay(text, reading, given=given, hints=merge(given, hints))
    if laid is None:
        raise InvalidInput(
            field,
            "is not a reading of this text; kana have to stand in it as they are written (the particle は as は)"
            + (" and furigana as they are given" if given else ""),
        )
    return Reading(render(text, laid), given or laid, ReadingOrigin.HUMAN)
