"""What may be shown of unfinished speech."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.speech.domain.comparison import agreement
from server.speech.domain.credibility import PartialGate, claims_japanese
from server.speech.domain.morae import split_morae

GATE = PartialGate()
MORAE = st.lists(st.sampled_from(["カ", "ガ", "キ", "ン", "ッ", "ー", "ト", "ド", "マ"]), max_size=8).map(tuple)
PROBABILITY = st.floats(0, 1)
SECONDS = st.floats(0, 30)


@pytest.mark.parametrize(
    ("ja", "en", "seconds", "shown"),
    [
        # Measured: "Okay", "Yes", "[Commi]ssion", a piece of "the cutter", "Concord", "And so my"; 天気.
        (0.53, 0.08, 0.20, False),
        (0.50, 0.01, 0.20, False),
        (0.24, 0.006, 0.30, False),
        (0.709, 0.056, 0.24, False),
        (0.585, 0.008, 0.48, False),
        (0.85, 0.056, 0.75, False),
        (0.035, 0.776, 1.15, False),
        (0.0003, 0.419, 1.83, False),
        (0.23, 0.30, 0.16, False),
        (0.90, 0.01, 0.60, True),
        (0.50, 0.05, 1.00, True),
        (0.30, 0.40, 1.00, False),
        (0.30, 0.40, 1.60, True),
        (0.018, 0.001, 1.60, True),
    ],
)
def test_the_language_is_beyond_doubt_or_is_not(ja: float, en: float, seconds: float, shown: bool) -> None:
    assert GATE.surely_japanese({"ja": ja, "en": en}, seconds) is shown


@pytest.mark.parametrize(
    ("ja", "en", "seconds", "shown"), [(0.7, 0.07, 0.16, True), (0.7, 0.07, 0.4, False), (0.5, 0.01, 0.2, False)]
)
def test_a_text_that_is_to_be_read_needs_less_at_its_onset(ja: float, en: float, seconds: float, shown: bool) -> None:
    assert GATE.probably_begins({"ja": ja, "en": en}, seconds) is shown


def test_a_recogniser_that_tells_no_language_is_believed() -> None:
    assert GATE.surely_japanese({}, 0.1)


@given(PROBABILITY, PROBABILITY, PROBABILITY, SECONDS)
def test_more_for_japanese_never_hides_and_more_for_english_never_shows(
    ja: float, en: float, other: float, seconds: float
) -> None:
    shown = GATE.surely_japanese({"ja": ja, "en": en}, seconds)
    assert not shown or GATE.surely_japanese({"ja": max(ja, other), "en": en}, seconds)
    assert shown or not GATE.surely_japanese({"ja": ja, "en": max(en, other)}, seconds)


@given(SECONDS, PROBABILITY)
def test_without_any_sign_of_japanese_nothing_is_sure(seconds: float, english: float) -> None:
    assert not GATE.surely_japanese({"en": english, "ko": 0.9}, seconds)


def test_what_reads_like_the_text_is_shown_though_the_language_is_in_doubt() -> None:
    doubtful = {"ja": 0.03, "en": 0.28}
    assert GATE.follows(doubtful, split_morae("ススム"), split_morae("ススム"))
    assert not GATE.follows(doubtful, split_morae("ススム"), split_morae("ヨン"))
    # Two morae agree by chance too easily.
    assert not GATE.follows(doubtful, split_morae("ハシ"), split_morae("ハイ"))
    assert GATE.follows({"ja": 0.2, "en": 0.3}, split_morae("ハシ"), split_morae("ハイ"))


@given(MORAE, st.integers(3, 8), PROBABILITY, PROBABILITY)
def test_the_beginning_of_the_text_is_always_shown(morae: tuple[str, ...], cut: int, ja: float, en: float) -> None:
    heard = morae[:cut]
    assert len(heard) < 3 or GATE.follows({"ja": ja, "en": en}, morae, heard)


@given(MORAE, MORAE, PROBABILITY, PROBABILITY)
def test_what_agrees_in_nothing_is_never_shown(
    expected: tuple[str, ...], heard: tuple[str, ...], ja: float, en: float
) -> None:
    unlike = tuple("プ" for _ in heard)
    assert not GATE.follows({"ja": ja, "en": en}, expected, unlike) or agreement(expected, unlike) >= GATE.agreement
    assert not GATE.follows({"ja": ja, "en": en}, expected, ())
    assert not GATE.follows({"ja": ja, "en": en}, (), heard)


@given(MORAE, MORAE)
def test_agreement_is_a_share_and_whole_for_a_prefix(expected: tuple[str, ...], heard: tuple[str, ...]) -> None:
    assert 0 <= agreement(expected, heard) <= 1
    assert agreement(expected + heard, expected) == (1 if expected else 0)


def test_agreement_by_hand() -> None:
    assert agreement(split_morae("ハシ"), split_morae("ハ")) == 1
    # One mora is right, the other nothing like it: as dear as one too many.
    assert agreement(split_morae("カキ"), split_morae("カン")) == 0.5
    assert agreement(split_morae("カキ"), ()) == 0


@pytest.mark.parametrize("text", ["そして", "駅", "レ", "H。", "２、１", "You can ド"])
def test_japanese_is_told_by_its_characters(text: str) -> None:
    assert claims_japanese(text)


@pytest.mark.parametrize("text", ["", "You can do for your country", "2S", "It’s déjà vu…"])
def test_what_english_is_written_with_claims_nothing(text: str) -> None:
    assert not claims_japanese(text)
