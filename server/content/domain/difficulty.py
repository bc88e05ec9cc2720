"""How hard a sentence is, guessed from its text alone."""

from __future__ import annotations

from server.content.domain.kana import Kind, is_kanji, kind_of

EASIEST, HARDEST = 1, 10


def estimate_difficulty(japanese: str) -> int:
    """A guess at the difficulty of a sentence, 1 to 10, from its length and its kanji.

    0.26 for every kana, digit and letter and 0.35 for every kanji, less 0.4, rounded. The weights are a least-squares
    fit to the starter deck (levels 1 to 6), which they meet within one level in 99 sentences of 100; what is longer
    than the deck's sentences is an extrapolation. How rare the words and how hard the grammar are does not enter.
    """
    kanji = sum(map(is_kanji, japanese))
    others = sum(kind_of(char) in (Kind.KANA, Kind.READ) and not is_kanji(char) for char in japanese)
    return max(EASIEST, min(HARDEST, round(0.26 * others + 0.35 * kanji - 0.4)))
