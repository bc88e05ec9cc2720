"""Stable text only grows and is kept; what is shown changes for a reason only; nothing is shown that was not heard."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from server.speech.domain.stability import PartialText, Stabiliser, beginning, keeping

TEXT = st.text(alphabet="今日は雨だ", min_size=1, max_size=8)
HEARD = st.lists(st.tuples(st.floats(0.05, 2.0), TEXT), max_size=10)


def run(heard: list[tuple[float, str]]) -> list[PartialText]:
    stabiliser, until, texts = Stabiliser(), 0.0, []
    for seconds, hypothesis in heard:
        until += seconds
        texts.append(stabiliser.add(hypothesis, until))
    return texts


@given(HEARD)
def test_stable_text_is_never_taken_back(heard: list[tuple[float, str]]) -> None:
    for before, after in pairwise(run(heard)):
        assert after.stable.startswith(before.stable)


@given(HEARD)
def test_what_is_shown_was_heard(heard: list[tuple[float, str]]) -> None:
    for number, text in enumerate(run(heard), 1):
        assert text.shown
        assert any(hypothesis.startswith(text.shown) for _, hypothesis in heard[:number])


@given(TEXT, st.text(alphabet="今日は雨だ", max_size=8))
def test_a_text_begins_with_what_is_kept(kept: str, text: str) -> None:
    made, rest = beginning(kept, text)
    assert (made + rest).startswith(kept)
    assert kept.endswith(rest)
    assert not rest or kept.startswith(made)


@given(TEXT)
def test_a_transcript_that_agrees_stays_as_it_is(final: str) -> None:
    for length in range(len(final) + 1):
        assert beginning(final[:length], final) == (final, "")
        assert keeping(final[:length], final) is None


@given(TEXT, TEXT)
def test_what_goes_beyond_a_text_is_left_over(text: str, more: str) -> None:
    assert beginning(text + more, text) == (text, more)


def test_text_grows_but_for_its_unsure_end() -> None:
    assert [text.shown for text in run([(0.4, "今"), (0.5, "今日は"), (0.5, "今日は雨だ"), (0.5, "今日は雨だね")])] == [
        "今",
        "今",
        "今日は",
        "今日は雨",
    ]


def test_one_change_of_mind_shows_nothing_new() -> None:
    texts = run([(1.0, "予約した部屋"), (0.5, "ようやくした部屋と"), (0.5, "予約した部屋と違う")])
    assert [text.shown for text in texts] == ["予約した", "予約した", "予約した部屋と"]


def test_a_change_of_mind_that_is_confirmed_is_shown() -> None:
    texts = run([(1.0, "寝ろする"), (0.5, "メロスは激"), (0.5, "メロスは激怒"), (0.5, "メロスは激怒した")])
    assert [text.shown for text in texts] == ["寝ろ", "寝ろ", "寝ろ", "メロスは激"]


def test_what_is_agreed_on_for_long_settles() -> None:
    texts = run([(1.0, "今日は雨だ"), (1.0, "今日は雨だと"), (1.0, "今日は雨だと思う")])
    assert [text.stable for text in texts] == ["", "", "今日は"]


def test_what_was_shown_is_kept_but_for_its_unsure_end() -> None:
    assert keeping("予約した部屋とち", "ようやくした部屋と違う") == "予約した部屋と違う"
    assert keeping("スマートフォンはスマ", "スマートフォンをスマホと") == "スマートフォンはスマホと"
    assert keeping("雨", "飴だ") is None


def test_what_is_kept_replaces_what_says_the_same() -> None:
    assert beginning("予約した", "ようやくした部屋と違う") == ("予約した部屋と違う", "")
    assert beginning("予約した部屋と違う", "ようやくした部屋") == ("予約した部屋", "と違う")
    assert beginning("今日は雨だ", "") == ("", "今日は雨だ")


def test_what_is_stable_and_shown_already_is_gone_on_from() -> None:
    stabiliser = Stabiliser(stable="雨", shown="雨だと")
    assert stabiliser.text == PartialText("雨", "だと")
    assert stabiliser.add("雨だと思うよ", 1.0) == PartialText("雨", "だと思")
