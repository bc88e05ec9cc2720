"""The small rules of sentences: text, tags, difficulty."""

from __future__ import annotations

import pytest

from server.adapters.openjtalk.taking_apart import TextParts
from server.content.domain.difficulty import estimate_difficulty
from server.content.domain.kana import is_japanese, spoken
from server.content.domain.text import clean_japanese, clean_text, normalize_tags
from server.content.starter_deck import parse_deck, read_starter_deck
from server.errors import InvalidInput, Reason


def test_tags_are_trimmed_sorted_and_kept_once() -> None:
    assert normalize_tags(["food ", "Food", " food", "　旅"], "tags") == ("Food", "food", "旅")


def test_a_blank_tag_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        normalize_tags(["food", "　"], "sentence.tags")

    assert refused.value.reason is Reason.INVALID_FIELD
    assert refused.value.metadata == {"field": "sentence.tags[1]"}


@pytest.mark.parametrize("text", ["あ", "ア", "ｱ", "漢", "〇", "𠮟る", "OK？ はい", "々"])
def test_kana_or_kanji_make_a_text_japanese(text: str) -> None:
    assert is_japanese(text)


@pytest.mark.parametrize("text", ["", "Hello", "１２３", "！？", "한국어", "ー"])
def test_nothing_else_does(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        clean_japanese(text, "japanese")

    assert refused.value.reason is Reason.TEXT_NOT_JAPANESE
    assert refused.value.metadata == {"field": "japanese"}


@pytest.mark.parametrize("control", ["\0", "\x1b", "\x7f", "\r"])
def test_control_characters_are_refused(control: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        clean_text(f"a{control}b", "english")

    assert refused.value.metadata == {"field": "english"}


def test_ends_are_trimmed_and_the_middle_kept() -> None:
    assert clean_text("　 a\n\tb \n", "english") == "a\n\tb"


def test_readings_are_compared_in_hiragana_without_punctuation() -> None:
    assert spoken("コーヒー、 飲む？") == "こーひー飲む"


def level_of(parts: TextParts, japanese: str) -> int:
    estimate = estimate_difficulty(japanese, [word.word for word in parts.take_apart(japanese).words])
    assert estimate is not None
    return estimate.level


def test_the_difficulty_of_the_starter_deck_is_met_within_one_level() -> None:
    parts = TextParts()
    rows = [row.draft for row in parse_deck(read_starter_deck()).values()]
    near = [abs(level_of(parts, draft.japanese) - (draft.difficulty or 0)) <= 1 for draft in rows]

    assert sum(near) / len(near) > 0.985


@pytest.mark.parametrize(("text", "difficulty"), [("あ", 1), ("私は学生です。", 1), ("漢字" * 250, 10)])
def test_difficulty_stays_between_1_and_10(text: str, difficulty: int) -> None:
    assert level_of(TextParts(), text) == difficulty
