"""Kana become morae in one form in which readings can be compared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.speech.domain.morae import (
    differ_by_voicing,
    is_japanese,
    likeness,
    normal_morae,
    split_morae,
    to_katakana,
    vowel_of,
)

KANA = st.text(alphabet="アイウエオカキクガギシジチツヅットドナンハバパャュョァーヴヲ", max_size=12)


@pytest.mark.parametrize(
    ("reading", "morae"),
    [
        ("きょう", "キョ ー"),
        ("キョー", "キョ ー"),
        ("とうきょう", "ト ー キョ ー"),
        ("せんせい", "セ ン セ ー"),
        ("きって", "キ ッ テ"),
        ("ビール", "ビ ー ル"),
        ("こんにちわ", "コ ン ニ チ ワ"),
        ("ばあい", "バ ー イ"),
        ("おばあさん", "オ バ ー サ ン"),
        ("おおきい", "オ ー キ ー"),
        ("おもう", "オ モ ー"),
        ("いいえ", "イ ー エ"),
        ("ファイル", "ファ イ ル"),
        ("つづく", "ツ ズ ク"),
        ("本をー", "オ ー"),
        ("ー", ""),
        ("", ""),
        ("ﾊﾝｶｸ", "ハ ン カ ク"),
    ],
)
def test_morae_of_a_reading(reading: str, morae: str) -> None:
    assert " ".join(split_morae(reading)) == morae


@given(KANA)
def test_the_normal_form_splits_into_itself(reading: str) -> None:
    assert normal_morae("".join(split_morae(reading))) == split_morae(reading)


@given(KANA)
def test_hiragana_and_katakana_are_the_same(reading: str) -> None:
    hiragana = "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in reading)
    assert to_katakana(hiragana) == reading
    assert split_morae(hiragana) == split_morae(reading)


@pytest.mark.parametrize(
    ("mora", "vowel"), [("キョ", "オ"), ("シ", "イ"), ("ン", ""), ("ッ", ""), ("ー", ""), ("", "")]
)
def test_vowels(mora: str, vowel: str) -> None:
    assert vowel_of(mora) == vowel


@pytest.mark.parametrize("text", ["雨", "ア", "あ", "ｱ", "3", "１２", "CDを", "𠮟る", "々"])
def test_what_can_be_read_in_japanese(text: str) -> None:
    assert is_japanese(text)


@pytest.mark.parametrize("text", ["", "hello", "!?", "…", "안녕", "привет", "😀", "ー"])
def test_what_cannot(text: str) -> None:
    assert not is_japanese(text)


def test_voicing() -> None:
    assert differ_by_voicing("カ", "ガ")
    assert differ_by_voicing("ジャ", "シャ")
    assert not differ_by_voicing("カ", "ギ")
    assert not differ_by_voicing("ハ", "パ")


@given(KANA, KANA)
def test_likeness_is_symmetric_and_full_only_for_the_same(one: str, other: str) -> None:
    for a, b in zip(split_morae(one), split_morae(other), strict=False):
        assert likeness(a, b) == likeness(b, a)
        assert (likeness(a, b) == 1.0) == (a == b)
        assert 0.0 <= likeness(a, b) <= 1.0
