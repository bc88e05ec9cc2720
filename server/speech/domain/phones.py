"""The phones that the acoustic model knows, and the kana that they spell.

Names are those of Open JTalk and of Domino, the phoneme-transition model of Dwango Media Village: `N` for ン, `cl` for
ッ, `pau` for silence. Devoiced vowels (`I`, `U`, ...) count as their voiced ones: devoicing is
never an error.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PAUSE = "pau"
CONSONANTS = (
    "ry", "r", "my", "m", "ny", "n", "j", "z", "by", "b", "dy", "d", "gy", "g", "ky", "k", "ch", "ts", "sh", "s", "hy",
    "h", "v", "f", "py", "p", "t", "y", "w",
)  # fmt: skip
VOWELS = ("a", "i", "u", "e", "o")
PHONES = (PAUSE, *CONSONANTS, "N", *VOWELS, "cl")
"""All phones; a phone's id is its place here."""

_ID = {name: index for index, name in enumerate(PHONES)}
# Voiceless vowels, and what Open JTalk writes for sounds of foreign words that the model has no phone for.
_ID |= {vowel.upper(): _ID[vowel] for vowel in VOWELS}
_ID |= {"sil": 0, "ty": _ID["ch"], "kw": _ID["k"], "gw": _ID["g"], "fy": _ID["f"], "sy": _ID["sh"], "zy": _ID["j"]}

PAUSE_ID = 0
MORAIC_NASAL_ID = _ID["N"]
GEMINATE_ID = _ID["cl"]
VOWEL_IDS = frozenset(_ID[vowel] for vowel in VOWELS)

MAY_PRECEDE_PAUSE: NDArray[np.bool_] = np.array([i in VOWEL_IDS or i == MORAIC_NASAL_ID for i in range(len(PHONES))])
"""By phone id: whether one may pause after it, that is, whether a mora can end in it."""

_ROWS = {
    "": "アイウエオ",
    "k": "カキクケコ", "g": "ガギグゲゴ", "s": "サ スセソ", "z": "ザ ズゼゾ", "t": "タ  テト", "d": "ダ  デド",
    "n": "ナニヌネノ", "h": "ハヒ ヘホ", "b": "バビブベボ", "p": "パピプペポ", "m": "マミムメモ", "r": "ラリルレロ",
    "y": "ヤ ユ ヨ", "w": "ワ    ", "sh": " シ   ", "j": " ジ   ", "ch": " チ   ", "ts": "  ツ  ", "f": "  フ  ",
    "v": "  ヴ  ",
}  # fmt: skip
_YOON = {
    "ky": "キ", "gy": "ギ", "sh": "シ", "j": "ジ", "ch": "チ", "ny": "ニ", "hy": "ヒ", "by": "ビ", "py": "ピ",
    "my": "ミ", "ry": "リ",
}  # fmt: skip
_FOREIGN = {
    "スィ": "s i", "ズィ": "z i", "ティ": "t i", "トゥ": "t u", "ディ": "d i", "ドゥ": "d u", "デュ": "dy u",
    "デャ": "dy a", "デョ": "dy o", "テュ": "ch u", "ウィ": "w i", "ウェ": "w e", "ウォ": "w o", "イェ": "y e",
    "ツァ": "ts a", "ツィ": "ts i", "ツェ": "ts e", "ツォ": "ts o", "ファ": "f a", "フィ": "f i", "フェ": "f e",
    "フォ": "f o", "フュ": "hy u", "ヴァ": "v a", "ヴィ": "v i", "ヴェ": "v e", "ヴォ": "v o", "ヴュ": "by u",
    "クァ": "k a", "クィ": "k i", "クェ": "k e", "クォ": "k o", "グァ": "g a", "クヮ": "k a", "グヮ": "g a",
}  # fmt: skip


def _spellings() -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {"ン": ("N",), "ッ": ("cl",)}
    for consonant, row in _ROWS.items():
        for vowel, kana in zip(VOWELS, row, strict=True):
            if kana != " ":
                table[kana] = (consonant, vowel) if consonant else (vowel,)
    for consonant, kana in _YOON.items():
        for vowel, small in (("a", "ャ"), ("u", "ュ"), ("e", "ェ"), ("o", "ョ")):
            table[kana + small] = (consonant, vowel)
    table |= {kana: tuple(phones.split()) for kana, phones in _FOREIGN.items()}
    table |= {"ヲ": ("o",), "ヂ": ("j", "i"), "ヅ": ("z", "u")}
    return table


_HEARD = {("h", "u"): "フ", ("w", "u"): "ウ", ("y", "i"): "イ"} | {
    (consonant, "i"): kana for consonant, kana in _YOON.items()
}
"""Sounds that no kana spells, and the one that they are heard as."""


_PHONES_OF = _spellings()
_KANA_OF: dict[tuple[str, ...], str] = {}
for _kana, _phones in _PHONES_OF.items():
    _KANA_OF.setdefault(_phones, _kana)
for _phones, _kana in _HEARD.items():
    _KANA_OF.setdefault(_phones, _kana)


def phone_ids(names: Sequence[str]) -> NDArray[np.intp]:
    """The ids of phones by their names, devoiced ones folded into voiced ones.

    Raises:
        KeyError: there is no such phone.
    """
    return np.array([_ID[name] for name in names], np.intp)


def is_phone(name: str) -> bool:
    """Whether the model has a phone for this name."""
    return name in _ID


def is_spelled(consonant: str, vowel: str) -> bool:
    """Whether kana can write the two together, so that a learner may know the sound."""
    return (consonant, vowel) in _KANA_OF and (consonant, vowel) not in _HEARD


def mora_phones(kana: str, before: str = "") -> tuple[str, ...]:
    """The phones of one mora.

    Args:
        kana: the mora in katakana, as `split_morae` gives it.
        before: the vowel before it, which ー holds; a kana with an unknown small vowel falls back to its first.

    Returns:
        One or two names; empty for a mora that has none (ー after nothing).
    """
    if kana == "ー":
        return (before,) if before in VOWELS else ()
    return _PHONES_OF.get(kana) or _PHONES_OF.get(kana[:1], ())


def spell(phones: Sequence[str]) -> str:
    """The katakana of a run of phones, as a listener would write it.

    A vowel that repeats the one before is ー; a consonant without a vowel gets the mora it is closest to in writing
    (`k` ク, `t` ト), so that nothing heard is lost; pauses are left out.
    """
    written: list[str] = []
    pending = ""
    last_vowel = ""
    for name in phones:
        plain = name.lower() if name.lower() in VOWELS else name
        if plain in CONSONANTS:
            if pending:
                written.append(_lone(pending))
            pending = plain
            last_vowel = ""
            continue
        if plain in VOWELS:
            if not pending and plain == last_vowel:
                written.append("ー")
            else:
                kana = _KANA_OF.get((pending, plain) if pending else (plain,))
                written.append(kana or _lone(pending) + _KANA_OF[(plain,)])
            last_vowel = plain
        else:
            if pending:
                written.append(_lone(pending))
            if plain in {"N", "cl"}:
                written.append(_KANA_OF[(plain,)])
            last_vowel = ""
        pending = ""
    if pending:
        written.append(_lone(pending))
    return "".join(written)


def _lone(consonant: str) -> str:
    for vowel in ("u", "o", "i", "a"):
        if (kana := _KANA_OF.get((consonant, vowel))) is not None:
            return kana
    return ""
