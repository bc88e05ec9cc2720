"""Furigana spans: whether they fit, what they read as, and how readings are laid along texts."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from server.content.domain.furigana import (
    FuriganaSpan,
    Word,
    first_misfit,
    lay,
    merge,
    render,
    spans_of_words,
    unread,
)
from server.content.domain.kana import spoken

TEXT = "私は学生です。"
WATASHI, GAKUSEI = FuriganaSpan(0, 1, "わたし"), FuriganaSpan(2, 2, "がくせい")


@pytest.mark.parametrize(
    ("spans", "misfit"),
    [
        ([], None),
        ([WATASHI, GAKUSEI], None),
        ([GAKUSEI, WATASHI], 1),
        ([GAKUSEI, FuriganaSpan(3, 1, "せい")], 1),
        ([FuriganaSpan(6, 1, "まる")], None),
        ([FuriganaSpan(6, 2, "まる")], 0),
        ([FuriganaSpan(-1, 1, "わ")], 0),
        ([FuriganaSpan(2, 0, "わ")], 0),
    ],
)
def test_spans_fit_when_they_are_in_order_apart_and_within_the_text(
    spans: list[FuriganaSpan], misfit: int | None
) -> None:
    assert first_misfit(TEXT, spans) == misfit


def test_a_text_reads_as_its_spans_and_the_rest_as_it_is_written() -> None:
    assert render(TEXT, [WATASHI, GAKUSEI]) == "わたしはがくせいです。"
    assert render("コーヒー、飲む？", [FuriganaSpan(5, 1, "の")]) == "コーヒー、のむ？"


@pytest.mark.parametrize(
    ("text", "spans", "is_unread"),
    [
        ("ひらがな、カタカナ！", [], False),
        (TEXT, [WATASHI], True),
        (TEXT, [WATASHI, GAKUSEI], False),
        ("3じ", [], True),
        ("Tシャツ", [], True),
        ("50％", [FuriganaSpan(0, 2, "ごじゅっ")], False),
    ],
)
def test_kanji_digits_and_letters_need_a_reading(text: str, spans: list[FuriganaSpan], is_unread: bool) -> None:
    assert unread(text, spans) is is_unread


@pytest.mark.parametrize(
    ("text", "reading", "spans"),
    [
        (TEXT, "わたしはがくせいです", [(0, 1, "わたし"), (2, 2, "がくせい")]),
        ("食べ物", "タベモノ", [(0, 1, "た"), (2, 1, "もの")]),
        ("引き出しの中", "ひきだしのなか", [(0, 1, "ひ"), (2, 1, "だ"), (5, 1, "なか")]),
        ("チャーハンを作る", "ちゃーはんをつくる", [(6, 1, "つく")]),
        ("３時、一ヶ月。", "さんじ いっかげつ", [(0, 2, "さんじ"), (3, 3, "いっかげつ")]),
        ("Tシャツ", "てぃーしゃつ", [(0, 1, "てぃー")]),
        ("OKです", "OKです", []),
        ("人々", "ひとびと", [(0, 2, "ひとびと")]),
        ("やった☆", "やった", []),
        ("かな", "かな", []),
    ],
)
def test_a_reading_is_laid_along_its_text(text: str, reading: str, spans: list[tuple[int, int, str]]) -> None:
    assert lay(text, reading) == tuple(FuriganaSpan(*span) for span in spans)


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        (TEXT, "わたしわがくせいです"),
        (TEXT, "わたしはがくせいだ"),
        (TEXT, "わたしはです"),
        ("かな", "かなかな"),
        ("日", "ひ" * 70),
        ("Tシャツ", "Zしゃつ"),
    ],
)
def test_a_reading_of_another_text_can_not_be_laid(text: str, reading: str) -> None:
    assert lay(text, reading) is None


def test_hints_cut_what_they_agree_with() -> None:
    hints = [FuriganaSpan(0, 2, "とうきょう"), FuriganaSpan(2, 2, "だいがく")]

    assert lay("東京大学", "とうきょうだいがく", hints=hints) == tuple(hints)


def test_hints_that_are_wrong_give_way() -> None:
    hints = [FuriganaSpan(0, 1, "つら")]

    assert lay("辛いもの", "からいもの", hints=hints) == (FuriganaSpan(0, 1, "から"),)


def test_given_spans_hold() -> None:
    assert lay(TEXT, "わたしはがくせいです", given=[GAKUSEI]) == (WATASHI, GAKUSEI)
    assert lay(TEXT, "わたしはがくしょうです", given=[GAKUSEI]) is None


def test_words_become_spans_over_what_is_not_kana() -> None:
    words = [Word(0, 3, "タベモノ"), Word(3, 1, "ハ"), Word(4, 2, "キョウ"), Word(6, 1, ""), Word(7, 2, "サンジ")]

    assert spans_of_words("食べ物は今日。3時", words) == (
        FuriganaSpan(0, 1, "た"),
        FuriganaSpan(2, 1, "もの"),
        FuriganaSpan(4, 2, "きょう"),
        FuriganaSpan(7, 2, "さんじ"),
    )


def test_a_word_whose_kana_are_read_otherwise_gets_one_span() -> None:
    assert spans_of_words("今日は", [Word(0, 3, "コンニチワ")]) == (FuriganaSpan(0, 3, "こんにちわ"),)


def test_merging_keeps_what_is_given() -> None:
    hint = FuriganaSpan(0, 1, "わたくし")

    assert merge([WATASHI], [hint, GAKUSEI]) == (WATASHI, GAKUSEI)
    assert merge([GAKUSEI], [hint, FuriganaSpan(3, 1, "なま")]) == (hint, GAKUSEI)


PIECES = st.lists(
    st.one_of(
        st.sampled_from("あかさたなをハヒー、。 "),
        st.tuples(st.sampled_from("日本語学校々"), st.text("あいうかがっゃん", min_size=1, max_size=4)),
    ),
    max_size=30,
)


@given(PIECES)
@example([("日", "あ"), "あ", ("本", "ああ")])
def test_what_spans_read_can_be_laid_along_the_text_again(pieces: list[str | tuple[str, str]]) -> None:
    text, spans = "", list[FuriganaSpan]()
    for piece in pieces:
        written, reading = piece if isinstance(piece, tuple) else (piece, "")
        if reading:
            spans.append(FuriganaSpan(len(text), 1, reading))
        text += written
    reading = render(text, spans)

    laid = lay(text, reading)

    assert laid is not None
    assert first_misfit(text, laid) is None
    assert not unread(text, laid)
    assert spoken(render(text, laid)) == spoken(reading)
    assert lay(text, reading, given=spans) == tuple(spans)
    assert lay(text, reading, hints=spans) == tuple(spans)


def test_a_long_text_that_fits_nowhere_is_told_soon() -> None:
    hints = [FuriganaSpan(index, 1, "ひ") for index in range(500)]

    assert lay("漢" * 500, "か" * 2000, hints=hints) is not None
    assert lay("漢" * 499 + "な", "か" * 2000, hints=hints[:499]) is None
