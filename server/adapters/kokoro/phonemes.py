"""Katakana as Kokoro's phonemes.

Kokoro's Japanese voices were trained on the phonemes of misaki 0.7: a Hepburn-like broad transcription, in which a long
vowel is `ː`, a geminate `ʔ`, and a word ends in a space.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_VOWELS = dict(zip("アイウエオ", "aiɯeo", strict=True))
_SMALL = "ャュョァィゥェォヮ"
_MORA = re.compile(rf"[ァ-ヴー][{_SMALL}]?")
# Consonants before a, i, u, e, o.
_ROWS = {
    "カキクケコ": ("k", "kʲ", "k", "k", "k"),
    "ガギグゲゴ": ("ɡ", "ɡʲ", "ɡ", "ɡ", "ɡ"),
    "サシスセソ": ("s", "ɕ", "s", "s", "s"),
    "ザジズゼゾ": ("ʣ", "ʥ", "z", "ʣ", "ʣ"),
    "タチツテト": ("t", "ʨ", "ʦ", "t", "t"),
    "ダヂヅデド": ("d", "ʥ", "z", "d", "d"),
    "ナニヌネノ": ("n", "ɲ", "n", "n", "n"),
    "ハヒフヘホ": ("h", "ç", "ɸ", "h", "h"),
    "バビブベボ": ("b", "bʲ", "b", "b", "b"),
    "パピプペポ": ("p", "pʲ", "p", "p", "p"),
    "マミムメモ": ("m", "mʲ", "m", "m", "m"),
    "ラリルレロ": ("ɾ", "ɾʲ", "ɾ", "ɾ", "ɾ"),
}
_CENTRAL_U = "スズツヅ"
_PALATAL = {
    "キ": "kʲ", "ギ": "ɡʲ", "シ": "ɕ", "ジ": "ʥ", "チ": "ʨ", "ヂ": "ʥ", "ニ": "ɲ", "ヒ": "ç", "ビ": "bʲ", "ピ": "pʲ",
    "ミ": "mʲ", "リ": "ɾʲ", "テ": "tʲ", "デ": "dʲ", "フ": "ɸʲ", "ヴ": "bʲ",
}  # fmt: skip
_PLAIN = {
    **_VOWELS,
    **{small: vowel for small, vowel in zip("ァィゥェォ", _VOWELS.values(), strict=True)},
    "ヤ": "ja", "ユ": "jɯ", "ヨ": "jo", "ャ": "ja", "ュ": "jɯ", "ョ": "jo", "ワ": "βa", "ヮ": "βa", "ヰ": "i",
    "ヱ": "e", "ヲ": "o", "ヵ": "ka", "ヶ": "ke", "ヴ": "vɯ", "イェ": "je", "ウィ": "βi", "ウェ": "βe", "ウォ": "βo",
    "クァ": "kᵝa", "クィ": "kᵝi", "クェ": "kᵝe", "クォ": "kᵝo", "グァ": "ɡᵝa", "グィ": "ɡᵝi", "グェ": "ɡᵝe",
    "グォ": "ɡᵝo", "ツァ": "ʦa", "ツィ": "ʦʲi", "ツェ": "ʦe", "ツォ": "ʦo", "ティ": "tʲi", "ディ": "dʲi",
    "トゥ": "tɯ", "ドゥ": "dɯ", "スィ": "sʲi", "ズィ": "zʲi", "ファ": "ɸa", "フィ": "ɸʲi", "フェ": "ɸe", "フォ": "ɸo",
    "ヴァ": "va", "ヴィ": "vʲi", "ヴェ": "ve", "ヴォ": "vo",
}  # fmt: skip
_MARKS = {"。": ".", "、": ",", "？": "?", "！": "!", "?": "?", "!": "!", ".": ".", ",": ",", "…": "…", "・": " "}


@dataclass(frozen=True, slots=True)
class Phoneme:
    """What is said for one mora or mark.

    Attributes:
        text: in Kokoro's alphabet.
        mora: index of the mora among those of all words; None for punctuation and spaces.
    """

    text: str
    mora: int | None


def phonemes(words: Iterable[str]) -> tuple[Phoneme, ...]:
    """The phonemes of a sentence.

    Args:
        words: each in katakana as pronounced (ワ for the particle は, ー for long vowels), or punctuation. What is
            neither is skipped.

    Returns:
        One for each mora in order, with marks and spaces between words.
    """
    found: list[Phoneme] = []
    count = 0
    for word in words:
        morae = _MORA.findall(word)
        if not morae:
            mark = "".join(_MARKS.get(character, "") for character in word)
            if mark and found and found[-1].text == " ":
                found.pop()
            found.extend([Phoneme(mark, None), Phoneme(" ", None)] if mark else [])
            continue
        for index, mora in enumerate(morae):
            after = _of_mora(morae[index + 1]) if index + 1 < len(morae) else ""
            found.append(Phoneme(_nasal(after) if mora == "ン" else _of_mora(mora), count))
            count += 1
        found.append(Phoneme(" ", None))
    while found and found[-1].text == " ":
        found.pop()
    return tuple(found)


def _of_mora(mora: str) -> str:
    if mora in ("ー", "ッ", "ン"):
        return {"ー": "ː", "ッ": "ʔ", "ン": "ɴ"}[mora]
    if mora in _PLAIN:
        return _PLAIN[mora]
    first, small = mora[0], mora[1:]
    if small in ("ャ", "ュ", "ョ") and small and first in _PALATAL:
        return _PALATAL[first] + {"ャ": "a", "ュ": "ɨ", "ョ": "o"}[small]
    if small == "ェ" and first in _PALATAL:
        return _PALATAL[first] + "e"
    if small:
        return _of_mora(first)[:-1] + _PLAIN.get(small, "")
    for row, consonants in _ROWS.items():
        if first in row:
            place = row.index(first)
            vowel = "ɨ" if first in _CENTRAL_U else "aiɯeo"[place]
            return consonants[place] + vowel
    return ""


def _nasal(after: str) -> str:
    """The moraic nasal in the place of articulation of what follows it."""
    for begins, nasal in (("mpb", "m"), ("kɡ", "ŋ"), ("ɲʨʥ", "ɲ"), ("ntdɾz", "n")):
        if after[:1] and after[0] in begins:
            return nasal
    return "ɴ"
