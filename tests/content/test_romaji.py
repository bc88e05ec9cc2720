"""Words in Latin letters find what they are in kana, whichever way they are written."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.content.domain.kana import to_hiragana
from server.content.domain.romaji import kana_pattern


@pytest.mark.parametrize(
    ("words", "kana"),
    [
        ("ame AME Ame ａｍｅ", "あめ"),
        ("kasa", "かさ"),
        ("sensei sensē", "せんせい"),
        ("shashin syasin", "しゃしん"),
        ("tsuchi tuti tsuti", "つち"),
        ("chotto tyotto cyotto", "ちょっと"),
        ("fune hune", "ふね"),
        ("jikan zikan", "じかん"),
        ("hanaji hanazi", "はなぢ"),
        ("tsuzuku tuduku", "つづく"),
        ("tōkyō tookyoo toukyou tôkyô toukyoo Toukyō", "とうきょう"),
        ("ookii ōkii ōkī", "おおきい"),
        ("ko-hi- kōhī koohii", "コーヒー"),
        ("onēsan oneesan", "おねえさん"),
        ("kin'en kin’en", "きんえん"),
        ("kinen", "きねん"),
        ("shin'yū shin'yuu", "しんゆう"),
        ("onna", "おんな"),
        ("hon honn", "ほん"),
        ("konnichiwa konnichiha konnitiwa", "こんにちは"),
        ("shinbun shimbun", "しんぶん"),
        ("gakkou gakkō", "がっこう"),
        ("zasshi zassi", "ざっし"),
        ("matcha maccha mattya", "まっちゃ"),
        ("kitte", "きって"),
        ("ippai", "いっぱい"),
        ("kyuuri", "きゅうり"),
        ("jugyou zyugyou jyugyou", "じゅぎょう"),
        ("pātī paatii", "パーティー"),
        ("fairu", "ファイル"),
        ("wa", "は"),
        ("e", "へ"),
        ("o wo", "を"),
    ],
)
def test_finds(words: str, kana: str) -> None:
    for word in words.split():
        pattern = kana_pattern(word)
        assert pattern is not None, word
        assert re.fullmatch(pattern, to_hiragana(kana)), (word, pattern)


@pytest.mark.parametrize("word", ["rain", "I", "note"])
def test_english_may_be_japanese_too(word: str) -> None:
    assert kana_pattern(word)


@pytest.mark.parametrize(
    "word", ["", "-", "-a", "student", "gakk", "雨", "あめ", "a%", "a.b", "café", "la", "x", "12", "q*"]
)
def test_what_is_not_japanese_is_nothing(word: str) -> None:
    assert kana_pattern(word) is None


@given(st.text(max_size=20) | st.text(alphabet="aiueokstnhmyrwgzdbpcjfvnnō'-", max_size=20))
def test_is_always_a_pattern_of_kana(word: str) -> None:
    pattern = kana_pattern(word)

    if pattern is not None:
        re.compile(pattern)
        assert re.fullmatch(r"(?:[ぁ-ゖー\[\]|)]|\(\?:)+", pattern)
