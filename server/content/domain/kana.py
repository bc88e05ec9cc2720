"""What the characters of a Japanese text are to its reading."""

from __future__ import annotations

import unicodedata
from enum import Enum, auto

_KANJI_RANGES = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF))
_KANJI_MARKS = "々〆〇"
_SPOKEN_SIGNS = "%&@#*％＆＠＃＊"


class Kind(Enum):
    """How a character shows in the reading."""

    KANA = auto()
    """As itself."""
    READ = auto()
    """By one kana or more that it doesn't show: kanji, digits, Latin letters, iteration marks, ヶ."""
    MAYBE = auto()
    """By kana, or not at all: symbols such as ％ and ＋."""
    SILENT = auto()
    """Not at all: punctuation and space."""


def kind_of(char: str) -> Kind:
    """How one character shows in the reading."""
    # ヵ and ヶ are read か, が or こ; ゝ and its like as what stands before them.
    if "ぁ" <= char <= "ゔ" or "ァ" <= char <= "ヴ" or "ヷ" <= char <= "ヺ" or char == "ー":
        return Kind.KANA
    category = unicodedata.category(char)
    if category[0] in "LN":
        return Kind.READ
    return Kind.MAYBE if category[0] == "S" or char in _SPOKEN_SIGNS else Kind.SILENT


def is_kanji(char: str) -> bool:
    """Whether a character is a kanji or stands for one (々, 〆, 〇)."""
    return char in _KANJI_MARKS or any(low <= ord(char) <= high for low, high in _KANJI_RANGES)


def is_japanese(text: str) -> bool:
    """Whether a text has at least one kana (of either width) or kanji."""
    return any("ぁ" <= c <= "ゖ" or "ァ" <= c <= "ヺ" or "ｦ" <= c <= "ﾝ" or is_kanji(c) for c in text)


def to_hiragana(text: str) -> str:
    """Katakana of either width as hiragana, full width; everything else in Unicode's NFKC form."""
    wide = unicodedata.normalize("NFKC", text)
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in wide)


def spoken(reading: str) -> str:
    """A reading without what is silent in it, in hiragana: the form that two readings are compared in."""
    return "".join(c for c in to_hiragana(reading) if kind_of(c) in (Kind.KANA, Kind.READ))


def to_katakana(text: str) -> str:
    """Hiragana as katakana, full width; everything else in Unicode's NFKC form."""
    wide = unicodedata.normalize("NFKC", text)
    return "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in wide)
