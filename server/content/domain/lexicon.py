"""What is known of words and kanji: facts that come with the server, see `lexicon/README.md`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib import resources

from server.content.domain.sentence import JlptLevel

_CORPUS_WORDS = 2_481_328
"""Running words of the corpus that `frequencies.tsv` was counted in."""
_PER = 1e9
BEYOND_SCHOOL = 9
"""The grade of a kanji that schools don't teach."""


def zipf_frequency(lemma: str) -> float:
    """How often a word is used, on the Zipf scale (log10 of uses in a thousand million words); 0: in no list.

    The definition of the scale is van Heuven et al. 2014, doi:10.1080/17470218.2013.850521.

    Args:
        lemma: the word as Open JTalk's dictionary lists it.
    """
    count = _frequencies().get(lemma, 0)
    return math.log10(count / _CORPUS_WORDS * _PER) if count else 0.0


def jlpt_level(lemma: str) -> JlptLevel | None:
    """The easiest JLPT level in whose unofficial list a word is; None: in none."""
    return _jlpt_levels().get(lemma)


def kanji_grade(kanji: str) -> int:
    """The school grade of a kanji: 1-6 primary, 8 secondary, 9 beyond."""
    return _kanji_grades().get(kanji, BEYOND_SCHOOL)


def _rows(name: str) -> list[list[str]]:
    text = (resources.files("server.content") / "lexicon" / name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()]


@cache
def _frequencies() -> Mapping[str, int]:
    return {word: int(count) for word, count in _rows("frequencies.tsv")}


@cache
def _jlpt_levels() -> Mapping[str, JlptLevel]:
    levels: dict[str, JlptLevel] = {}
    # The easiest come first.
    for level, word, _ in _rows("jlpt.tsv"):
        levels.setdefault(word, JlptLevel(int(level)))
    return levels


@cache
def _kanji_grades() -> Mapping[str, int]:
    return {kanji: int(grade) for grade, all_ in _rows("kanji_grades.tsv") for kanji in all_}
