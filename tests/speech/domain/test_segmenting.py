"""Long speech is cut at pauses, and never later than the recogniser's window."""

from hypothesis import given
from hypothesis import strategies as st

from server.speech.domain.endpointing import Segment
from server.speech.domain.segmenting import LONGEST_SEGMENT, LONGEST_WINDOW, choose_cut


def test_short_speech_is_not_cut() -> None:
    assert choose_cut([Segment(0, 3), Segment(6, 11)], 0, 11.9) is None


def test_the_longest_pause_within_a_segment_is_chosen() -> None:
    voice = [Segment(0, 2), Segment(4, 6), Segment(6.4, 9), Segment(9.8, 13), Segment(15, 18)]
    assert choose_cut(voice, 0, 12.1) == 9.4
    assert choose_cut(voice, 0, 18) == 9.4


def test_else_the_first_pause_after_it() -> None:
    voice = [Segment(0, 14), Segment(14.4, 17), Segment(18, 20)]
    assert choose_cut(voice, 0, 14.2) is None
    assert choose_cut(voice, 0, 14.5) == 14.2
    assert choose_cut(voice, 0, 20) == 14.2


def test_without_a_pause_the_window_decides() -> None:
    assert choose_cut([Segment(0, 27)], 0, 27) is None
    assert choose_cut([Segment(0, 28.5)], 0, 28.5) == 28.0


@given(st.lists(st.floats(0.05, 4), min_size=2, max_size=40), st.floats(0, 5))
def test_a_cut_lies_within_and_no_piece_outgrows_the_window(lengths: list[float], start: float) -> None:
    voice, at = [], start
    for index, length in enumerate(lengths):
        if index % 2 == 0:
            voice.append(Segment(at, at + length))
        at += length
    cut = choose_cut(voice, start, at)
    if cut is None:
        assert at - start < LONGEST_WINDOW
    else:
        assert at - start >= LONGEST_SEGMENT
        assert start < cut < at
        assert not any(segment.start < cut < segment.end for segment in voice) or at - start >= LONGEST_WINDOW


def test_speech_that_waited_is_not_cut_beyond_the_window() -> None:
    assert choose_cut([Segment(0, 70)], 0, 70) == LONGEST_WINDOW
    assert choose_cut([Segment(0, 22), Segment(22.4, 50), Segment(55, 70)], 0, 70) == 22.2
