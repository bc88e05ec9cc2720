"""Stable text only grows, and nothing is shown that was not heard."""

from hypothesis import given
from hypothesis import strategies as st

from server.speech.domain.stability import PartialText, Stabiliser


@given(st.lists(st.text(alphabet="今日は雨だ", max_size=8), max_size=8))
def test_stable_text_is_never_taken_back(hypotheses: list[str]) -> None:
    stabiliser = Stabiliser()
    before = ""
    for hypothesis in hypotheses:
        shown = stabiliser.add(hypothesis)
        assert shown.stable.startswith(before)
        before = shown.stable


def test_what_two_agree_on_settles_but_for_its_last_character() -> None:
    stabiliser = Stabiliser()
    assert stabiliser.add("今日は") == PartialText("", "今日は")
    assert stabiliser.add("今日は飴") == PartialText("今日", "は飴")
    assert stabiliser.add("今日は雨だ") == PartialText("今日", "は雨だ")
    assert stabiliser.add("今日は雨だ") == PartialText("今日は雨", "だ")


def test_a_change_of_mind_keeps_what_was_shown() -> None:
    stabiliser = Stabiliser()
    stabiliser.add("今日は雨")
    stabiliser.add("今日は雨")
    assert stabiliser.add("京は雨だ") == PartialText("今日は", "だ")
