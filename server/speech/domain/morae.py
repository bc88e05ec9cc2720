"""Kana as morae, in one normal form that two readings can be compared in."""

from __future__ import annotations

import re
import unicodedata

_SMALL = "ャュョァィゥェォヮ"
_MORA = re.compile(rf"[ァ-ヴ][{_SMALL}]?|ー")
_JAPANESE = re.compile(r"[ぁ-ゖァ-ヺ々〆〇\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff0-9]")
_FOLDED = str.maketrans({"ヲ": "オ", "ヅ": "ズ", "ヂ": "ジ", "ヰ": "イ", "ヱ": "エ"})
_VOWEL_ROWS = {
    "ア": "アカサタナハマヤラワガザダバパャァヮ",
    "イ": "イキシチニヒミリギジビピィ",
    "ウ": "ウクスツヌフムユルグズブプュゥヴ",
    "エ": "エケセテネヘメレゲゼデベペェ",
    "オ": "オコソトノホモヨロゴゾドボポョォ",
}
_VOWEL_OF = {kana: vowel for vowel, row in _VOWEL_ROWS.items() for kana in row}
_LENGTHENED_BY = {"ア": "ア", "イ": "イ", "ウ": "ウ", "エ": "エイ", "オ": "オウ"}
_VOICED = dict(
    zip(
        "カキクケコサシスセソタチツテトハヒフヘホ",
        "ガギグゲゴザジズゼゾダジズデドバビブベボ",
        strict=True,
    )
)


def is_japanese(text: str) -> bool:
    """Whether a text has anything in it that only Japanese is written with: kana, kanji, or a number to be read."""
    return _JAPANESE.search(unicodedata.normalize("NFKC", text)) is not None


def to_katakana(kana: str) -> str:
    """Hiragana as katakana, full width; everything else as it is."""
    wide = unicodedata.normalize("NFKC", kana)
    return "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in wide)


def split_morae(kana: str) -> tuple[str, ...]:
    """The morae of one word's reading.

    Args:
        kana: a reading as pronounced, hiragana or katakana; what is not kana is skipped.

    Returns:
        Katakana morae, ヲ ヅ ヂ folded. A long vowel is always ー, so that コウ and コー are the same, and オバア and
        オバー; エイ and オウ count as long, since standard Japanese says them so within a word.
    """
    morae: list[str] = []
    for mora in plain_morae(kana):
        if mora == "ー" and not morae:
            continue
        long = bool(morae) and mora in _LENGTHENED_BY.get(vowel_of(morae[-1]), "")
        morae.append("ー" if long else mora)
    return tuple(morae)


def plain_morae(kana: str) -> tuple[str, ...]:
    """The morae as they are written, in katakana, ヲ ヅ ヂ folded; vowels that lengthen stay vowels."""
    return tuple(_MORA.findall(to_katakana(kana).translate(_FOLDED)))


def normal_morae(kana: str) -> tuple[str, ...]:
    """The morae of text that consists of readings in normal form, put together from several words."""
    return tuple(_MORA.findall(kana))


def vowel_of(mora: str) -> str:
    """The vowel that a mora ends in (ア イ ウ エ オ); empty for ッ, ン and ー."""
    return _VOWEL_OF.get(mora[-1], "") if mora else ""


def differ_by_voicing(one: str, other: str) -> bool:
    """Whether two morae are the same but for voicing (カ and ガ, キャ and ギャ)."""
    return one[1:] == other[1:] and (_VOICED.get(one[:1]) == other[:1] or _VOICED.get(other[:1]) == one[:1])


def becomes_voiced(one: str, other: str) -> bool:
    """Whether the second of two morae is the first one voiced (カ and ガ)."""
    return _VOICED.get(one[:1]) == other[:1]


def likeness(one: str, other: str) -> float:
    """How close two morae sound, 0 to 1: 1 the same, .5 one feature apart, 0 nothing in common."""
    if one == other:
        return 1.0
    if differ_by_voicing(one, other):
        return 0.5
    special = "ッンー"
    if one in special or other in special:
        return 0.0
    if vowel_of(one) == vowel_of(other):
        return 0.35
    if one[0] == other[0] or _row(one) == _row(other):
        return 0.35
    return 0.0


_ROWS = ("カキクケコ", "サシスセソ", "タチツテト", "ナニヌネノ", "ハヒフヘホ", "マミムメモ", "ヤユヨ", "ラリルレロ",
         "ガギグゲゴ", "ザジズゼゾ", "ダデド", "バビブベボ", "パピプペポ")  # fmt: skip


def _row(mora: str) -> str:
    return next((row for row in _ROWS if mora[0] in row), mora[0])
