"""Kana as morae."""

from __future__ import annotations

import re
from collections.abc import Sequence

from server.content.domain.kana import to_katakana

_SMALL = "ャュョァィゥェォヮ"
_MORA = re.compile(rf"[ァ-ヺ][{_SMALL}]?|ー")
_SMALL_FIRST = frozenset(_SMALL) | {"ー"}
_ROWS = {
    "ア": "アカサタナハマヤラワガザダバパャァヮヷヵ",
    "イ": "イキシチニヒミリギジヂビピィヰヸ",
    "ウ": "ウクスツヌフムユルグズヅブプュゥヴ",
    "エ": "エケセテネヘメレゲゼデベペェヱヹヶ",
    "オ": "オコソトノホモヨロヲゴゾドボポョォヺ",
}
_VOWEL_OF = {kana: vowel for vowel, row in _ROWS.items() for kana in row}
_HELD = frozenset({"アァ", "イィ", "ウゥ", "エェ", "オォ"})
"""Two morae that look like one."""
_LATIN = {"ア": "a", "イ": "i", "ウ": "u", "エ": "e", "オ": "o"}
_LENGTHENED_BY = {"ア": "ア", "イ": "イ", "ウ": "ウ", "エ": "エイ", "オ": "オウ"}


def split_morae(kana: str) -> tuple[str, ...]:
    """The morae of a reading, in katakana, as they are written; what is not kana is skipped."""
    found = _MORA.findall(to_katakana(kana))
    return tuple(part for mora in found for part in (mora if mora in _HELD else (mora,)))


def vowels_of(morae: Sequence[str]) -> tuple[str, ...]:
    """The vowel of each mora as Open JTalk writes it; empty for a ー with nothing before it."""
    vowels: list[str] = []
    for mora in morae:
        if mora == "ー":
            vowels.append(vowels[-1] if vowels else "")
        else:
            vowels.append({"ン": "N", "ッ": "cl"}.get(mora) or _LATIN[_VOWEL_OF[mora[-1]]])
    return tuple(vowels)


def is_row_of_morae(katakana: str) -> bool:
    """Whether a reading consists of whole morae: kana alone, and none that belongs to one before it comes first."""
    morae = split_morae(katakana)
    return "".join(morae) == katakana and not any(mora in _SMALL_FIRST for mora in morae[:1])


def lengthened(kana: str) -> str:
    """A spelled reading as it is usually said within a word: ガッコウ as ガッコー, センセイ as センセー."""
    said: list[str] = []
    for mora in split_morae(kana):
        vowel = _VOWEL_OF.get(said[-1][-1], "") if said else ""
        before = next((_VOWEL_OF[each[-1]] for each in reversed(said) if each[-1] in _VOWEL_OF), "")
        held = vowel or (before if said and said[-1] == "ー" else "")
        said.append("ー" if held and mora in _LENGTHENED_BY[held] else mora)
    return "".join(said)
