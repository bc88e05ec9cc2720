"""Kana and phones."""

from __future__ import annotations

import pytest

from server.speech.domain.phones import PHONES, mora_phones, phone_ids, spell


@pytest.mark.parametrize(
    ("kana", "phones"),
    [
        ("ア", "a"),
        ("キョ", "ky o"),
        ("シ", "sh i"),
        ("ツ", "ts u"),
        ("ン", "N"),
        ("ッ", "cl"),
        ("ヴァ", "v a"),
        ("ヅ", "z u"),
    ],
)
def test_a_mora_has_its_phones(kana: str, phones: str) -> None:
    assert mora_phones(kana) == tuple(phones.split())


def test_a_long_vowel_holds_the_one_before() -> None:
    assert mora_phones("ー", "o") == ("o",)
    assert mora_phones("ー") == ()


@pytest.mark.parametrize(
    ("phones", "kana"),
    [
        ("ky o o w a", "キョーワ"),
        ("pau i cl p a i pau", "イッパイ"),
        ("N", "ン"),
        ("a k U s a N", "アクサン"),
        ("k", "ク"),
        ("s t a", "スタ"),
        ("f i", "フィ"),
        ("s i", "スィ"),
        ("ny i", "ニ"),
        ("", ""),
    ],
)
def test_what_was_heard_is_spelled(phones: str, kana: str) -> None:
    assert spell(phones.split()) == kana


def test_every_phone_can_be_spelled() -> None:
    assert all(spell([name]) for name in PHONES[1:] if name != "N" and name != "cl")


def test_devoiced_vowels_are_their_voiced_ones() -> None:
    assert list(phone_ids(["I", "U", "sil"])) == list(phone_ids(["i", "u", "pau"]))
