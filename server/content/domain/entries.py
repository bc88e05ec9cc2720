"""Entries of an import: what a parser made of a row or note, and the sentence that comes of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from server.content.domain.difficulty import estimate_difficulty
from server.content.domain.furigana import FuriganaSpan, Word, lay, merge, render, spans_of_words, unread
from server.content.domain.imports import FileRole, ImportKind, ImportOptions, Outcome, Problem, ProblemKind
from server.content.domain.jlpt import estimate_jlpt
from server.content.domain.kana import is_japanese
from server.content.domain.reading import ReadingOrigin
from server.content.domain.sentence import SentenceId, Source, Translation
from server.content.domain.source_readings import spans_of_index, spans_of_ruby

LONGEST = 500
"""Code points of Japanese that a sentence may have."""
_MOST_TRANSLATIONS = 16
_MOST_TAGS = 32
_MOST_SPANS = 250
_LONGEST_READING = 2000
TATOEBA_LICENCE = "CC BY 2.0 FR"


@dataclass(frozen=True, slots=True)
class ScheduledCard:
    """A card of a note as its package has it.

    Attributes:
        template: the number of its template.
        skill: what it trains.
        schedule: Anki's columns, see `server/adapters/imports/parsing/anki.py`; None: it arrives new.
        reviews: rows of Anki's log: (id in milliseconds, ease, interval, interval before, factor, milliseconds, type).
    """

    template: int
    skill: str
    schedule: dict[str, object] | None = None
    reviews: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """A row or note that can be a sentence.

    Attributes:
        row: from 1; the number of the note.
        raw: its columns or fields as they stand in the file.
        translations: English ones, best first.
        ruby: spans that the source gives readings for; they may begin too early.
        index: Tatoeba's, without the ids.
        audio, audio_member: the recording's name, and where it is in the archive; empty: none, or not there.
        remote_audio_licence: of a recording that is only listed; None: none is.
    """

    row: int
    source_id: str
    japanese: str
    raw: tuple[str, ...] = ()
    translations: tuple[Translation, ...] = ()
    reading: str = ""
    ruby: tuple[FuriganaSpan, ...] = ()
    index: str = ""
    tags: tuple[str, ...] = ()
    author: str = ""
    licence: str = ""
    difficulty: int | None = None
    jlpt: int | None = None
    audio: str = ""
    audio_member: str = ""
    remote_audio_licence: str | None = None
    note_type: int = 0
    cards: tuple[ScheduledCard, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row or note that is no entry: refused, with the problem, or skipped as the options say."""

    row: int
    outcome: Outcome
    problem: Problem | None = None


@dataclass(frozen=True, slots=True)
class ReadSentence:
    """What analysis gives.

    Attributes:
        origin: HUMAN where people gave a reading for all that needs one.
        misfit: whether a person's reading did not fit the text.
    """

    reading: str
    furigana: tuple[FuriganaSpan, ...]
    origin: ReadingOrigin
    difficulty: int
    jlpt: int | None
    word_count: int
    misfit: bool = False


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of an entry.

    Attributes:
        sentence_id: the sentence there already: to update, the same, or the one that says the same.
        unread: whether that one still awaits analysis.
    """

    outcome: Outcome
    sentence_id: SentenceId | None = None
    unread: bool = False


SOURCE_OF = {
    ImportKind.TATOEBA: Source.TATOEBA,
    ImportKind.TATOEBA_PAIRS: Source.TATOEBA,
    ImportKind.ANKI_PACKAGE: Source.ANKI,
    ImportKind.TABLE: Source.CUSTOM,
}
"""Where the sentences of an import come from."""


def settle(entry: Entry, kind: ImportKind, role: FileRole, options: ImportOptions) -> Entry | LeftOut:
    """An entry as it would be stored, with what the options say; or why not.

    Args:
        role: of the file that has it.
    """
    japanese = entry.japanese.strip()

    def refused(what: ProblemKind, description: str, field: str = "japanese") -> LeftOut:
        problem = Problem(what, role, description, entry.row, entry.source_id[:200], field)
        return LeftOut(entry.row, Outcome.REFUSED, problem)

    if not is_japanese(japanese):
        return refused(ProblemKind.NO_JAPANESE, "The entry has no kana and no kanji.")
    if len(japanese) > LONGEST:
        return refused(ProblemKind.FIELD_TOO_LONG, f"The Japanese is longer than {LONGEST} characters.")
    if kind in (ImportKind.TATOEBA, ImportKind.TATOEBA_PAIRS) and options.tatoeba is not None:
        longest = options.tatoeba.max_character_count or LONGEST
        if len(japanese) > longest or (options.tatoeba.skip_without_english and not entry.translations):
            return LeftOut(entry.row, Outcome.SKIPPED)
    tags = tuple(sorted({*entry.tags, *options.tags_to_add}))[:_MOST_TAGS]
    # A row without an id is known again by its text.
    source_id = entry.source_id or f"text-{hashlib.sha256(japanese.encode()).hexdigest()[:32]}"
    return Entry(
        row=entry.row,
        source_id=source_id,
        japanese=japanese,
        raw=entry.raw,
        translations=entry.translations[: _MOST_TRANSLATIONS + 1],
        reading=entry.reading[:_LONGEST_READING],
        ruby=tuple(span for span in entry.ruby if span.end <= len(japanese)) if japanese == entry.japanese else (),
        index=entry.index,
        tags=tags,
        author=entry.author or options.author,
        licence=entry.licence or options.licence,
        difficulty=entry.difficulty,
        jlpt=entry.jlpt,
        audio=entry.audio,
        audio_member=entry.audio_member,
        remote_audio_licence=entry.remote_audio_licence,
        note_type=entry.note_type,
        cards=entry.cards,
        problems=entry.problems,
    )


def fingerprint(entry: Entry) -> str:
    """Names what the source says of a sentence: 32 hexadecimal digits, another one when it says something else."""
    said = [
        entry.japanese,
        [[each.text, each.source_id, each.author, each.licence] for each in entry.translations],
        entry.reading,
        [[span.offset, span.length, span.reading] for span in entry.ruby],
        entry.index,
        list(entry.tags),
        entry.author,
        entry.licence,
        entry.difficulty,
        entry.jlpt,
    ]
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


def read_sentence(entry: Entry, words: Sequence[Word]) -> ReadSentence:
    """What is read out of an entry; a person's readings beat the analyser's.

    Args:
        words: the analyser's words of its Japanese.
    """
    text = entry.japanese
    hints = spans_of_words(text, words)
    fits = True
    given: tuple[FuriganaSpan, ...] = ()
    if entry.ruby:
        given, fits = spans_of_ruby(text, entry.ruby)
    elif entry.index:
        given, fits = spans_of_index(text, entry.index)
    elif entry.reading:
        laid = lay(text, entry.reading, hints=hints)
        fits = laid is not None
        given = laid or ()
    by_people = bool(given or (entry.reading and fits)) and not unread(text, given)
    spans = merge(given, hints)[:_MOST_SPANS] if not by_people else given[:_MOST_SPANS]
    estimate, level = estimate_difficulty(text, words), estimate_jlpt(words)
    return ReadSentence(
        reading=render(text, spans)[:_LONGEST_READING],
        furigana=spans,
        origin=ReadingOrigin.HUMAN if by_people else ReadingOrigin.ANALYZER,
        difficulty=1 if estimate is None else estimate.level,
        jlpt=None if level is None else level.level.value,
        word_count=sum(bool(word.reading) for word in words),
        misfit=not fits,
    )
