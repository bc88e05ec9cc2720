"""Filters and orders of sentences as SQL."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, literal_column, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from server.adapters.postgres.tables import AudioFileRow, SentenceRow
from server.content.domain.kana import to_hiragana
from server.content.domain.romaji import kana_pattern
from server.content.domain.selection import Order, Selection
from server.content.domain.sentence import AudioOrigin

_RANK = 1000
"""More than the characters of any sentence, so that the rank of a match goes before the length."""
_BEFORE_ALL, _AFTER_ALL = 0, 11
"""What a sentence without a difficulty counts as when it has to come last."""
_KATAKANA = "".join(map(chr, range(ord("ァ"), ord("ヶ") + 1)))


@dataclass(frozen=True, slots=True)
class Keyset:
    """An order of sentences: by a value, then by id.

    Attributes:
        value: the value, never null.
        descending: whether the greatest comes first.
        parse: reads a value from its text in a position.
    """

    value: ColumnElement[Any] | InstrumentedAttribute[Any]
    descending: bool
    parse: Callable[[str], object]

    @property
    def order(self) -> Sequence[ColumnElement[Any]]:
        """What to order by."""
        return (self.value.desc() if self.descending else self.value.asc(), SentenceRow.id.asc())

    def position(self, value: object, sentence_id: str) -> tuple[str, str]:
        """Where a sentence stands."""
        return (value.isoformat() if isinstance(value, datetime) else str(value), sentence_id)

    def after(self, position: Sequence[str]) -> ColumnElement[bool]:
        """Holds for what comes after a position."""
        text, sentence_id = position
        value = self.parse(text)
        beyond = self.value < value if self.descending else self.value > value
        # The first condition is implied by the second; it is there for the index.
        reach = self.value <= value if self.descending else self.value >= value
        return and_(reach, or_(beyond, SentenceRow.id > sentence_id))


def keyset(order: Order, terms: Sequence[str]) -> Keyset:
    """The order that a list has.

    Args:
        terms: what RELEVANCE measures by.
    """
    match order:
        case Order.RELEVANCE:
            return Keyset(_relevance(terms), descending=False, parse=int)
        case Order.NEWEST:
            return Keyset(SentenceRow.created_at, descending=True, parse=datetime.fromisoformat)
        case Order.OLDEST:
            return Keyset(SentenceRow.created_at, descending=False, parse=datetime.fromisoformat)
        case Order.LAST_UPDATED:
            return Keyset(SentenceRow.updated_at, descending=True, parse=datetime.fromisoformat)
        case Order.EASIEST:
            return Keyset(func.coalesce(SentenceRow.difficulty, _AFTER_ALL), descending=False, parse=int)
        case Order.HARDEST:
            return Keyset(func.coalesce(SentenceRow.difficulty, _BEFORE_ALL), descending=True, parse=int)
        case Order.SHORTEST:
            return Keyset(SentenceRow.character_count, descending=False, parse=int)


def conditions(selection: Selection) -> Sequence[ColumnElement[bool]]:
    """The filters of a list, all but the spaces."""
    deleted = SentenceRow.deleted_at
    found: list[ColumnElement[bool]] = [deleted.is_not(None) if selection.deleted else deleted.is_(None)]
    found += (_has_term(term) for term in selection.terms)
    if selection.min_difficulty is not None:
        found.append(SentenceRow.difficulty >= selection.min_difficulty)
    if selection.max_difficulty is not None:
        found.append(SentenceRow.difficulty <= selection.max_difficulty)
    if selection.jlpt_levels:
        found.append(SentenceRow.jlpt_level.in_([int(level) for level in selection.jlpt_levels]))
    if selection.sources:
        found.append(SentenceRow.source.in_([source.value for source in selection.sources]))
    if selection.tags:
        found.append(SentenceRow.tags.contains(list(selection.tags)))
    if selection.has_audio is not None:
        found.append(_audio() if selection.has_audio else ~_audio())
    if selection.audio_origin is not None:
        found.append(_audio(AudioFileRow.generated.is_(selection.audio_origin is AudioOrigin.SYNTHESIZED)))
    if selection.active is not None:
        found.append(SentenceRow.active.is_(selection.active))
    return found


def _audio(*where: ColumnElement[bool]) -> ColumnElement[bool]:
    own = (AudioFileRow.sentence_id == SentenceRow.id, AudioFileRow.user_id.is_(None))
    return exists().where(*own, *where)


def _has_term(term: str) -> ColumnElement[bool]:
    pattern = _pattern(to_hiragana(term))
    others = func.jsonb_array_elements(SentenceRow.other_translations).table_valued("value").alias("others")
    other = select(1).select_from(others).where(_folded(others.c.value.op("->>")("text")).ilike(pattern)).exists()
    return or_(
        _reads(SentenceRow.japanese, term),
        _reads(SentenceRow.reading, term),
        _folded(SentenceRow.english).ilike(pattern),
        other,
    )


def _relevance(terms: Sequence[str]) -> ColumnElement[int]:
    folded = [to_hiragana(term) for term in terms]
    whole = _escaped(" ".join(folded))

    def has_all(column: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        return and_(*(_folded(column).ilike(_pattern(term)) for term in folded))

    def is_whole(column: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        return _folded(column).ilike(whole)

    reads_all = and_(*(_reads(SentenceRow.reading, term) for term in terms))
    rank = case(
        (or_(is_whole(SentenceRow.japanese), is_whole(SentenceRow.english)), 0),
        (has_all(SentenceRow.japanese), 1),
        (or_(reads_all, has_all(SentenceRow.english)), 2),
        else_=3,
    )
    return rank * _RANK + SentenceRow.character_count


def _reads(column: InstrumentedAttribute[Any], term: str) -> ColumnElement[bool]:
    """Whether Japanese has a term, which may be in Latin letters."""
    folded = _folded(column)
    literal = folded.ilike(_pattern(to_hiragana(term)))
    kana = kana_pattern(term)
    return literal if kana is None else or_(literal, folded.regexp_match(kana))


def _folded(text: ColumnElement[Any] | InstrumentedAttribute[Any]) -> ColumnElement[str]:
    """`to_hiragana` in SQL."""
    return func.translate(func.normalize(text, literal_column("NFKC")), _KATAKANA, to_hiragana(_KATAKANA))


def _pattern(term: str) -> str:
    return f"%{_escaped(term)}%"


def _escaped(text: str) -> str:
    """A text as a LIKE pattern that matches just it; backslash is PostgreSQL's escape character."""
    return re.sub(r"([\\%_])", r"\\\1", text)
