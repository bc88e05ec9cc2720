"""Japanese in Latin letters, as something to look for in kana."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

_ROWS: Mapping[str, str] = {
    "": "あいうえお",
    "k": "かきくけこ",
    "g": "がぎぐげご",
    "s": "さしすせそ",
    "z": "ざじずぜぞ",
    "t": "たちつてと",
    "d": "だぢづでど",
    "n": "なにぬねの",
    "h": "はひふへほ",
    "b": "ばびぶべぼ",
    "p": "ぱぴぷぺぽ",
    "m": "まみむめも",
    "r": "らりるれろ",
}
_GLIDES: Mapping[str, str] = {
    "ky": "き",
    "gy": "ぎ",
    "sy": "し",
    "sh": "し",
    "zy": "じ",
    "jy": "じ",
    "j": "じ",
    "ty": "ち",
    "cy": "ち",
    "ch": "ち",
    "dy": "ぢ",
    "ny": "に",
    "hy": "ひ",
    "by": "び",
    "py": "ぴ",
    "my": "み",
    "ry": "り",
}
_OTHERS: Mapping[str, str] = {
    **{"ya": "や", "yu": "ゆ", "yo": "よ", "wa": "わ", "wi": "うぃ", "we": "うぇ", "wo": "を"},
    **{"shi": "し", "chi": "ち", "tsu": "つ", "fu": "ふ", "ji": "[じぢ]", "zu": "[ずづ]", "dzu": "づ"},
    # As kunrei-shiki has them, and as the words from other languages do.
    **{"ti": "(?:ち|てぃ)", "tu": "(?:つ|とぅ)", "di": "(?:ぢ|でぃ)", "du": "(?:づ|どぅ)", "zi": "[じぢ]"},
    **{"fa": "ふぁ", "fi": "ふぃ", "fe": "ふぇ", "fo": "ふぉ"},
    **{"va": "ゔぁ", "vi": "ゔぃ", "vu": "ゔ", "ve": "ゔぇ", "vo": "ゔぉ"},
    **{"tsa": "つぁ", "tse": "つぇ", "tso": "つぉ", "thi": "てぃ", "dhi": "でぃ"},
}


def _syllables() -> Mapping[str, str]:
    found = {onset + vowel: kana for onset, row in _ROWS.items() for vowel, kana in zip("aiueo", row, strict=True)}
    for onset, kana in _GLIDES.items():
        found |= {onset + vowel: kana + small for vowel, small in zip("aueo", "ゃゅぇょ", strict=True)}
    return {**found, **_OTHERS}


_SYLLABLES = _syllables()
_LENGTHENED: Mapping[str, str] = {"a": "[あー]", "i": "[いー]", "u": "[うー]", "e": "[えいー]", "o": "[おうー]"}
"""What may stand for the second half of a long vowel."""
_PARTICLES: Mapping[str, str] = {"e": "[えへ]", "o": "[おを]"}
"""Whole words that are not written as they sound."""
_MACRON, _CIRCUMFLEX = "\u0304", "\u0302"
_DOUBLED = re.compile(r"([kstpgzdbcjfhr])\1|tch")
_MORAIC_N = re.compile(r"n['’]|nn(?![aiueoyn])|n(?![aiueoy])|m(?=[bpm])")


def kana_pattern(term: str) -> str | None:
    """What a word in Latin letters may be in hiragana.

    Hepburn, kunrei-shiki and what people type at keyboards are understood, mixed and in either case: shi and si, tsu
    and tu, ō and ou and oo, n' and nn, kk and tch, and `-` for ー. A word that ends in wa may also end in は.

    Args:
        term: any word.

    Returns:
        A regular expression that Python and PostgreSQL read alike, to be searched in text with its katakana as
        hiragana; None: the word is not Japanese in Latin letters.
    """
    latin = _with_long_vowels(term)
    if latin in _PARTICLES:
        return _PARTICLES[latin]
    if not latin or not "a" <= latin[0] <= "z":
        return None
    kana: list[str] = []
    at = 0
    while at < len(latin):
        piece, length = _next(latin, at)
        if not length:
            return None
        kana.append(piece)
        at += length
    if latin.endswith("wa"):
        kana[-1] = "[わは]"
    return "".join(kana)


def _with_long_vowels(term: str) -> str:
    """In lower case, the bar over a long vowel as a second vowel."""
    plain = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", term).lower())
    return re.sub(f"([aiueo])[{_MACRON}{_CIRCUMFLEX}]", r"\1\1", plain)


def _next(latin: str, at: int) -> tuple[str, int]:
    """The kana of what begins at a place, and how many letters it has; 0: nothing that is Japanese does."""
    letter = latin[at]
    if at and letter == "-":
        return "ー", 1
    before = latin[at - 1] if at else ""
    if letter in _LENGTHENED and letter == before:
        return _LENGTHENED[letter], 1
    if letter == "u" and before == "o":
        return "[うー]", 1
    if _DOUBLED.match(latin, at):
        return "っ", 1
    if moraic := _MORAIC_N.match(latin, at):
        return "ん", len(moraic.group())
    for length in (3, 2, 1):
        if (kana := _SYLLABLES.get(latin[at : at + length])) is not None:
            return kana, min(length, len(latin) - at)
    return "", 0
