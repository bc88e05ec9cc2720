"""What a learner may have said in place of each sound of a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from server.speech.domain.phones import CONSONANTS, VOWELS, is_spelled
from server.speech.domain.pronunciation import Pronunciation


class Confusion(StrEnum):
    """Ways to say a sound wrong, each with its own threshold."""

    VOWEL = "vowel"
    VOICING = "voicing"
    PALATAL = "palatal"
    TYPICAL_CONSONANT = "typical_consonant"
    OTHER_CONSONANT = "other_consonant"
    NASAL_LOST = "nasal_lost"
    NASAL_ADDED = "nasal_added"
    NASAL_MERGED = "nasal_merged"
    GEMINATE_LOST = "geminate_lost"
    GEMINATE_ADDED = "geminate_added"
    LONG_LOST = "long_lost"
    LONG_ADDED = "long_added"
    MORA_OMITTED = "mora_omitted"
    WORD_OMITTED = "word_omitted"


LENGTHS = frozenset({Confusion.LONG_LOST, Confusion.LONG_ADDED, Confusion.GEMINATE_LOST, Confusion.GEMINATE_ADDED})
"""Confusions that durations decide about: the network hardly ever emits a repeated vowel."""

VOICELESS = frozenset({"k", "ky", "s", "sh", "t", "ch", "ts", "p", "py"})
"""Consonants before which a geminate can stand."""

_VOICING = {
    "k": ("g",), "g": ("k",), "ky": ("gy",), "gy": ("ky",), "s": ("z",), "z": ("s",), "sh": ("j",), "j": ("sh", "ch"),
    "t": ("d",), "d": ("t",), "ch": ("j",), "ts": ("z",), "h": ("b", "p"), "b": ("h", "p"), "p": ("b", "h"),
    "f": ("b",), "hy": ("by",), "by": ("hy", "py"), "py": ("by",),
}  # fmt: skip
_TYPICAL = {
    "z": ("j",), "sh": ("s", "ch"), "s": ("sh",), "j": ("z",), "ch": ("t", "sh", "ts"), "ts": ("s", "ch", "t"),
    "h": ("f",), "f": ("h",), "hy": ("sh", "f"), "r": ("d", "n", "y", "w"), "ry": ("r", "dy"), "n": ("r", "m"),
    "m": ("n", "b"), "y": ("r",), "w": ("b", "v"), "b": ("m", "v"), "d": ("r",), "t": ("ch",), "g": ("N",),
}  # fmt: skip
_PALATAL = {"k": "ky", "g": "gy", "n": "ny", "b": "by", "p": "py", "m": "my", "r": "ry", "h": "hy"}
_PLAIN = {palatal: plain for plain, palatal in _PALATAL.items()}


_MOST_WORDS = 4
"""The longest run of words that is looked for as left out together."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way to say a stretch of a pronunciation.

    Attributes:
        confusion: what would be wrong.
        mora: the mora that it is held against; of an omitted word the first.
        morae: how many morae it concerns.
        first, end: the phones that it takes the place of, by index.
        phones: what is said instead; empty for nothing.
    """

    confusion: Confusion
    mora: int
    morae: int
    first: int
    end: int
    phones: tuple[str, ...]


def alternatives(
    phones: Sequence[str], spans: Sequence[tuple[int, int]], morae: Iterable[int]
) -> tuple[Alternative, ...]:
    """Every confusion of some morae.

    Args:
        phones: of a text, pauses at both ends.
        spans: the phones of each mora, by index.
        morae: which of them; each must have the phones of a mora.
    """
    names = tuple(p.lower() if p.lower() in VOWELS else p for p in phones)
    return tuple(
        Alternative(confusion, mora, 1, spans[mora][0], until, said)
        for mora in morae
        for confusion, until, said in _of_mora(names, *spans[mora])
    )


def _of_mora(names: Sequence[str], first: int, end: int) -> Iterator[tuple[Confusion, int, tuple[str, ...]]]:
    own, before, after = tuple(names[first:end]), names[first - 1], names[end]
    held = len(own) == 1 and own[0] in VOWELS and before == own[0]
    if own == ("N",):
        yield Confusion.NASAL_LOST, end, ()
        if after in VOWELS:
            yield Confusion.NASAL_MERGED, end + 1, ("n", after)
        return
    if own == ("cl",):
        yield Confusion.GEMINATE_LOST, end, ()
        return
    vowel = own[-1]
    if held or (own == ("i",) and before == "e") or (own == ("u",) and before == "o"):
        yield Confusion.LONG_LOST, end, ()
    if held:
        return
    if after != vowel:
        yield Confusion.LONG_ADDED, end, (*own, vowel)
    if after != "N":
        yield Confusion.NASAL_ADDED, end, (*own, "N")
    if own != (after,):
        # Of two like vowels one may be missing: that is a matter of length.
        yield Confusion.MORA_OMITTED, end, ()
    for other in VOWELS:
        if other != vowel:
            yield Confusion.VOWEL, end, (*own[:-1], other)
    if len(own) == 2:
        yield from ((kind, end, phones) for kind, phones in _of_consonant(own[0], vowel, before))


def _of_consonant(consonant: str, vowel: str, before: str) -> Iterator[tuple[Confusion, tuple[str, ...]]]:
    if consonant in VOICELESS and before not in {"cl", "N", "pau"}:
        yield Confusion.GEMINATE_ADDED, ("cl", consonant, vowel)
    if consonant in _PLAIN:
        plain = _PLAIN[consonant]
        yield Confusion.PALATAL, (plain, vowel)
        yield Confusion.PALATAL, (plain, "i", "y", vowel)
    elif consonant in _PALATAL and vowel in "auo":
        yield Confusion.PALATAL, (_PALATAL[consonant], vowel)
    taken = {consonant, _PLAIN.get(consonant, ""), _PALATAL.get(consonant, "")}
    for other in _VOICING.get(consonant, ()):
        taken.add(other)
        yield Confusion.VOICING, (other, vowel)
    for other in _TYPICAL.get(consonant, ()):
        if other in CONSONANTS:
            taken.add(other)
            yield Confusion.TYPICAL_CONSONANT, (other, vowel)
    for other in CONSONANTS:
        if other not in taken and is_spelled(other, vowel):
            yield Confusion.OTHER_CONSONANT, (other, vowel)
    yield Confusion.OTHER_CONSONANT, (vowel,)


def omitted_words(pronunciation: Pronunciation) -> Iterator[Alternative]:
    """Every run of up to four words left out; a word of a single mora alone is left to that mora."""
    morae = pronunciation.reference.morae
    starts = [i for i, mora in enumerate(morae) if i == 0 or morae[i - 1].word != mora.word]
    edges = [*starts, len(morae)]
    for index, start in enumerate(starts):
        for end in edges[index + 1 : index + 1 + _MOST_WORDS]:
            if 1 < end - start < len(morae):
                first, stop = pronunciation.spans[start][0], pronunciation.spans[end - 1][1]
                yield Alternative(Confusion.WORD_OMITTED, start, end - start, first, stop, ())
