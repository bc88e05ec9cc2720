"""Readings and accents against sentences that people have checked (the ITA corpus)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_VOWELS = frozenset("aiueoAIUEON") | {"cl"}
_FILES = (("recitation", "RECITATION324_"), ("emotion", "EMOTION100_"))


@dataclass(frozen=True, slots=True)
class Phrase:
    """An accent phrase: its morae as Open JTalk writes sounds, and after which of them the pitch falls inside of it.

    Attributes:
        falls: indexes from 0; a fall after the last mora is none, as the references can't show it.
    """

    morae: tuple[str, ...]
    falls: frozenset[int]


@dataclass(frozen=True, slots=True)
class Checked:
    """A sentence with what people say of it."""

    text: str
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Score:
    """How near an analyser comes.

    Attributes:
        errors, morae: Levenshtein distance in morae, and how many the references have.
        right, phrases: accent phrases of the references whose falls are where they should be, and how many there are.
    """

    errors: int
    morae: int
    right: int
    phrases: int

    @property
    def error_rate(self) -> float:
        """Mora error rate, 0 or more."""
        return self.errors / self.morae

    @property
    def nuclei(self) -> float:
        """Accuracy of accent nuclei, 0 to 1."""
        return self.right / self.phrases


def checked_sentences(folder: Path) -> list[Checked]:
    """The sentences of the corpus, as its README describes its files."""
    texts = {}
    for line in (folder / "transcript.txt").read_text("utf-8").splitlines():
        key, _, rest = line.partition(":")
        texts[key] = rest.rpartition(",")[0]
    found: list[Checked] = []
    for name, prefix in _FILES:
        marks = dict(_rows(folder / f"accent_{name}.csv"))
        seen: set[str] = set()
        for key, sounds in _rows(folder / f"accent_and_phoneme_{name}.csv"):
            if key not in seen:
                seen.add(key)
                found.append(Checked(texts[prefix + key[-3:]], _phrases(sounds.split(), marks[key].split())))
    return found


def score(sentences: Sequence[Checked], analyse: Callable[[str], Sequence[Phrase]]) -> Score:
    """Compares an analyser's phrases with the references'."""
    errors = morae = right = phrases = 0
    for sentence in sentences:
        heard = analyse(sentence.text)
        wanted = [mora for phrase in sentence.phrases for mora in phrase.morae]
        got = [mora for phrase in heard for mora in phrase.morae]
        falls = [index in phrase.falls for phrase in heard for index in range(len(phrase.morae))]
        distance, place = align(wanted, got)
        errors += distance
        morae += len(wanted)
        at = 0
        for phrase in sentence.phrases:
            inside = range(len(phrase.morae) - 1)
            found = {i for i in inside if (j := place[at + i]) is not None and falls[j]}
            right += found == phrase.falls
            phrases += 1
            at += len(phrase.morae)
    return Score(errors, morae, right, phrases)


def align(wanted: Sequence[str], got: Sequence[str]) -> tuple[int, list[int | None]]:
    """The Levenshtein distance of two rows, and for each of the first its place in the second."""
    table = [list(range(len(got) + 1))]
    for i, one in enumerate(wanted):
        row = [i + 1]
        for j, other in enumerate(got):
            row.append(min(table[i][j] + (one != other), table[i][j + 1] + 1, row[j] + 1))
        table.append(row)
    place: list[int | None] = [None] * len(wanted)
    i, j = len(wanted), len(got)
    while i and j:
        if table[i][j] == table[i - 1][j - 1] + (wanted[i - 1] != got[j - 1]):
            i, j = i - 1, j - 1
            place[i] = j
        elif table[i][j] == table[i - 1][j] + 1:
            i -= 1
        else:
            j -= 1
    return table[-1][-1], place


def _rows(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_text("utf-8").splitlines():
        if line:
            key, _, rest = line.partition(",")
            yield key, rest


def _phrases(sounds: Sequence[str], marks: Sequence[str]) -> tuple[Phrase, ...]:
    phrases: list[Phrase] = []
    morae: list[str] = []
    falls: set[int] = set()
    sound, own = "", ""

    def close() -> None:
        if morae:
            phrases.append(Phrase(tuple(morae), frozenset(fall for fall in falls if fall < len(morae) - 1)))
        morae.clear()
        falls.clear()

    for phone, mark in zip(sounds, marks, strict=True):
        if phone == "pau":
            close()
            continue
        sound, own = sound + phone, own + mark
        if phone not in _VOWELS:
            continue
        if "]" in own:
            falls.add(len(morae))
        morae.append(sound if phone in ("N", "cl") else sound.lower())
        if "#" in own or "?" in own:
            close()
        sound, own = "", ""
    close()
    return tuple(phrases)
