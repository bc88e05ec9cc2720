"""How sentences are made and changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from server.content.domain.difficulty import EASIEST, estimate_difficulty
from server.content.domain.furigana import FuriganaSpan, Word
from server.content.domain.jlpt import estimate_jlpt
from server.content.domain.reading import Reading, ReadingOrigin, settle_reading, shift_spans
from server.content.domain.sentence import (
    AudioId,
    JlptLevel,
    Sentence,
    SentenceId,
    Source,
    Translation,
    Visibility,
)
from server.content.domain.text import check_text, clean_japanese, clean_text, normalize_tags
from server.errors import InvalidInput
from server.kernel.identity import UserId


@dataclass(frozen=True, slots=True)
class Draft:
    """A sentence to be created, as it was sent; fields as in `Sentence`.

    Attributes:
        visibility: the space it goes to.
        reading, furigana: empty: from the analyser.
        difficulty: None: computed.
    """

    visibility: Visibility
    japanese: str
    english: str = ""
    other_translations: tuple[Translation, ...] = ()
    reading: str = ""
    furigana: tuple[FuriganaSpan, ...] = ()
    difficulty: int | None = None
    jlpt_level: JlptLevel | None = None
    source: Source = Source.CUSTOM
    source_id: str = ""
    author: str = ""
    licence: str = ""
    english_source_id: str = ""
    english_author: str = ""
    english_licence: str = ""
    tags: tuple[str, ...] = ()
    active: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """New values for a sentence; what is not in `fields` stays.

    Attributes:
        fields: which to change, out of `CHANGEABLE`.
        recording_ids: the recordings to keep, in their new order.
        path: what field paths in errors begin with.
    """

    fields: frozenset[str]
    japanese: str = ""
    english: str = ""
    other_translations: tuple[Translation, ...] = ()
    reading: str = ""
    furigana: tuple[FuriganaSpan, ...] = ()
    recording_ids: tuple[AudioId, ...] = ()
    difficulty: int | None = None
    jlpt_level: JlptLevel | None = None
    author: str = ""
    licence: str = ""
    english_source_id: str = ""
    english_author: str = ""
    english_licence: str = ""
    tags: tuple[str, ...] = ()
    active: bool = True
    path: str = ""


CHANGEABLE = frozenset(
    {
        "japanese",
        "english",
        "other_translations",
        "reading",
        "furigana",
        "recordings",
        "difficulty",
        "jlpt_level",
        "author",
        "licence",
        "english_source_id",
        "english_author",
        "english_licence",
        "tags",
        "active",
    }
)
"""The fields that a change may name."""


def create(
    draft: Draft, words: Sequence[Word], *, sentence_id: SentenceId, owner_id: UserId | None, now: datetime
) -> Sentence:
    """Makes the sentence that a draft asks for.

    Args:
        words: the analyser's words of `draft.japanese` without white space at its ends.
        owner_id: whose space it goes to; None: it is shared.

    Raises:
        InvalidInput: TEXT_NOT_JAPANESE, SPAN_MISFIT, or INVALID_FIELD, for a reading that is not one of the text too.
    """
    japanese = clean_japanese(draft.japanese, "japanese")
    spans = shift_spans(draft.japanese, japanese, draft.furigana, "furigana")
    read = settle_reading(japanese, draft.reading, spans, words)
    return Sentence(
        id=sentence_id,
        owner_id=owner_id,
        japanese=japanese,
        english=clean_text(draft.english, "english"),
        other_translations=_translations(draft.other_translations, "other_translations"),
        reading=read.text,
        furigana=read.furigana,
        reading_origin=read.origin,
        recordings=(),
        synthesized=False,
        difficulty=_level(japanese, words) if draft.difficulty is None else draft.difficulty,
        difficulty_computed=draft.difficulty is None,
        jlpt_level=draft.jlpt_level or _jlpt(words),
        source=draft.source,
        source_id=check_text(draft.source_id, "source_id"),
        author=clean_text(draft.author, "author"),
        licence=clean_text(draft.licence, "licence"),
        english_source_id=clean_text(draft.english_source_id, "english_source_id"),
        english_author=clean_text(draft.english_author, "english_author"),
        english_licence=clean_text(draft.english_licence, "english_licence"),
        tags=normalize_tags(draft.tags, "tags"),
        word_count=count_words(words),
        character_count=len(japanese),
        active=draft.active,
        created_at=now,
        updated_at=now,
    )


def needs_analysis(change: Change) -> bool:
    """Whether `apply` needs the analyser's words."""
    return (
        not change.fields.isdisjoint(("japanese", "reading", "furigana"))
        or ("difficulty" in change.fields and change.difficulty is None)
        or ("jlpt_level" in change.fields and change.jlpt_level is None)
    )


def text_after(current: Sentence, change: Change) -> str:
    """The Japanese that a sentence has after a change.

    Raises:
        InvalidInput: INVALID_FIELD when it would be empty, TEXT_NOT_JAPANESE.
    """
    if "japanese" not in change.fields:
        return current.japanese
    path = f"{change.path}japanese"
    if not change.japanese:
        raise InvalidInput(path, "can't be empty")
    return clean_japanese(change.japanese, path)


def apply(current: Sentence, change: Change, words: Sequence[Word]) -> Sentence:
    """Changes a sentence; its recordings, times and revision are left to the caller.

    What had been computed from a text that changes is computed again, and a person's reading of the old text is
    dropped.

    Args:
        words: the analyser's words of the text after the change; read only if `needs_analysis`.

    Raises:
        InvalidInput: TEXT_NOT_JAPANESE, SPAN_MISFIT, or INVALID_FIELD, for a reading that is not one of the text too.
    """
    japanese = text_after(current, change)

    def text(name: str, value: str, present: str) -> str:
        return clean_text(value, change.path + name) if name in change.fields else present

    new = replace(
        current,
        japanese=japanese,
        english=text("english", change.english, current.english),
        author=text("author", change.author, current.author),
        licence=text("licence", change.licence, current.licence),
        english_source_id=text("english_source_id", change.english_source_id, current.english_source_id),
        english_author=text("english_author", change.english_author, current.english_author),
        english_licence=text("english_licence", change.english_licence, current.english_licence),
    )
    if "other_translations" in change.fields:
        path = f"{change.path}other_translations"
        new = replace(new, other_translations=_translations(change.other_translations, path))
    if "tags" in change.fields:
        new = replace(new, tags=normalize_tags(change.tags, f"{change.path}tags"))
    if "active" in change.fields:
        new = replace(new, active=change.active)
    if "jlpt_level" in change.fields:
        new = replace(new, jlpt_level=change.jlpt_level or _jlpt(words))
    if "difficulty" in change.fields:
        new = replace(new, difficulty=change.difficulty, difficulty_computed=change.difficulty is None)
    if new.difficulty_computed and (japanese != current.japanese or "difficulty" in change.fields):
        new = replace(new, difficulty=_level(japanese, words))
    if japanese != current.japanese:
        new = replace(new, word_count=count_words(words), character_count=len(japanese))
    if (read := _reading_after(current, change, japanese, words)) is not None:
        new = replace(new, reading=read.text, furigana=read.furigana, reading_origin=read.origin)
    return new


def count_words(words: Sequence[Word]) -> int:
    """How many words there are, punctuation not counted."""
    return sum(bool(word.reading) for word in words)


def _level(japanese: str, words: Sequence[Word]) -> int:
    estimate = estimate_difficulty(japanese, words)
    return EASIEST if estimate is None else estimate.level


def _jlpt(words: Sequence[Word]) -> JlptLevel | None:
    estimate = estimate_jlpt(words)
    return None if estimate is None else estimate.level


def _reading_after(current: Sentence, change: Change, japanese: str, words: Sequence[Word]) -> Reading | None:
    named = change.fields.intersection(("reading", "furigana"))
    if not named and japanese == current.japanese:
        return None
    reading = change.reading if "reading" in named else ""
    furigana = change.furigana if "furigana" in named else ()
    if furigana:
        before = change.japanese if "japanese" in change.fields else japanese
        furigana = shift_spans(before, japanese, furigana, f"{change.path}furigana")
    elif named == {"furigana"} and japanese == current.japanese and current.reading_origin is ReadingOrigin.HUMAN:
        reading = current.reading
    return settle_reading(japanese, reading, furigana, words, path=change.path)


def _translations(translations: Sequence[Translation], path: str) -> tuple[Translation, ...]:
    return tuple(
        Translation(
            text=_filled(clean_text(translation.text, f"{path}[{index}].text"), f"{path}[{index}].text"),
            source_id=clean_text(translation.source_id, f"{path}[{index}].source_id"),
            author=clean_text(translation.author, f"{path}[{index}].author"),
            licence=clean_text(translation.licence, f"{path}[{index}].licence"),
        )
        for index, translation in enumerate(translations)
    )


def _filled(text: str, path: str) -> str:
    if not text:
        raise InvalidInput(path, "is blank")
    return text
