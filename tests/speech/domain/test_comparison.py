"""Alignment, error rate and position."""

from hypothesis import given
from hypothesis import strategies as st

from server.speech.domain.comparison import Pair, align, error_rate, read_so_far
from server.speech.domain.morae import split_morae

MORAE = st.lists(st.sampled_from(["カ", "ガ", "キ", "ン", "ッ", "ー", "ト", "ド", "マ"]), max_size=10).map(tuple)


@given(MORAE, MORAE)
def test_every_index_appears_once_and_in_order(expected: tuple[str, ...], heard: tuple[str, ...]) -> None:
    pairs = align(expected, heard)
    assert [p.expected for p in pairs if p.expected is not None] == list(range(len(expected)))
    assert [p.heard for p in pairs if p.heard is not None] == list(range(len(heard)))
    assert all(p.expected is not None or p.heard is not None for p in pairs)


@given(MORAE)
def test_the_same_aligns_with_itself(morae: tuple[str, ...]) -> None:
    assert align(morae, morae) == tuple(Pair(i, i) for i in range(len(morae)))
    assert error_rate(morae, morae) == 0
    assert read_so_far(morae, morae) == len(morae)


def test_a_lost_geminate_is_left_out_and_not_replaced() -> None:
    pairs = align(split_morae("きって"), split_morae("きて"))
    assert pairs == (Pair(0, 0), Pair(1, None), Pair(2, 1))


def test_an_added_sound_stands_where_it_was_said() -> None:
    assert align(split_morae("ビル"), split_morae("ビール")) == (Pair(0, 0), Pair(None, 1), Pair(1, 2))


@given(MORAE, MORAE)
def test_error_rate_is_edit_distance_over_length(expected: tuple[str, ...], heard: tuple[str, ...]) -> None:
    rate = error_rate(expected, heard)
    least = abs(len(expected) - len(heard)) / max(1, len(expected))
    most = max(len(expected), len(heard)) / max(1, len(expected))
    assert least <= rate <= most


def test_error_rate_by_hand() -> None:
    assert error_rate(split_morae("さくら"), split_morae("さくろう")) == 2 / 3
    assert error_rate((), ()) == 0


@given(MORAE, st.integers(0, 10))
def test_a_prefix_is_read_as_far_as_it_goes(morae: tuple[str, ...], cut: int) -> None:
    heard = morae[:cut]
    assert read_so_far(morae, heard) >= len(heard)


def test_position_in_a_sentence() -> None:
    sentence = split_morae("キョーワイーテンキダ")
    assert read_so_far(sentence, split_morae("キョーワ")) == 3
    assert read_so_far(sentence, split_morae("キョーハイー")) == 5
    assert read_so_far(sentence, split_morae("プププ")) == 0
    assert read_so_far(sentence, ()) == 0
