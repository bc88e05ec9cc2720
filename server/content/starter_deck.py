"""The starter deck's file: sentences written for Kaiwa, in the form that `starter/README.md` describes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from server.content.domain.change import Draft
from server.content.domain.furigana import FuriganaSpan
from server.content.domain.sentence import JlptLevel, Source, Visibility

AUTHOR = "Kaiwa"
LICENCE = "CC0-1.0"

_COLUMNS = ("key", "japanese", "reading", "furigana", "english", "difficulty", "jlpt", "tags")


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the deck.

    Attributes:
        key: names it for good.
        draft: the sentence that it asks for.
        version: names what it says: its key and a digest of the row. It is kept as the id of the English in the
            source, so that a later load can tell a row that has changed from a sentence that a teacher has changed.
    """

    key: str
    draft: Draft
    version: str


def read_starter_deck() -> str:
    """The text of the deck that comes with the server."""
    return (resources.files("server.content") / "starter" / "deck.tsv").read_text(encoding="utf-8")


def parse_deck(text: str) -> Mapping[str, Row]:
    """The rows of a deck by their keys, in order.

    Raises:
        ValueError: the text is not a deck.
    """
    header, *lines = text.splitlines()
    if tuple(header.split("\t")) != _COLUMNS:
        raise ValueError(f"a deck has the columns {', '.join(_COLUMNS)}")
    rows: dict[str, Row] = {}
    for line in lines:
        row = _row(line)
        if row.key in rows:
            raise ValueError(f"{row.key} stands twice in the deck")
        rows[row.key] = row
    return MappingProxyType(rows)


def _row(line: str) -> Row:
    key, japanese, reading, furigana, english, difficulty, jlpt, tags = line.split("\t")
    version = f"{key}@{hashlib.sha256(line.encode()).hexdigest()[:12]}"
    spans = (span.split(":") for span in furigana.split(";") if span)
    draft = Draft(
        visibility=Visibility.SHARED,
        japanese=japanese,
        english=english,
        reading=reading,
        furigana=tuple(FuriganaSpan(int(offset), int(length), kana) for offset, length, kana in spans),
        difficulty=int(difficulty),
        jlpt_level=JlptLevel[jlpt],
        source=Source.CUSTOM,
        source_id=key,
        author=AUTHOR,
        licence=LICENCE,
        english_source_id=version,
        english_author=AUTHOR,
        english_licence=LICENCE,
        tags=tuple(tags.split()),
    )
    return Row(key, draft, version)
