"""What of a whole recording is recognised at once."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from server.speech.domain.endpointing import Segment
from server.speech.domain.segmenting import LONGEST_WINDOW, cut_speech


def test_no_voice_no_pieces() -> None:
    assert cut_speech([], 10.0) == ()


def test_a_little_before_and_after_belongs_to_it() -> None:
    assert cut_speech([Segment(1.0, 2.0), Segment(2.5, 3.0)], 10.0) == (Segment(0.75, 3.3),)
    assert cut_speech([Segment(0.1, 2.0)], 2.1) == (Segment(0.0, 2.1),)


def test_long_silence_parts() -> None:
    assert cut_speech([Segment(1.0, 2.0), Segment(9.0, 9.5)], 10.0) == (Segment(0.75, 2.3), Segment(8.75, 9.8))


def test_long_speech_is_cut_at_pauses() -> None:
    voice = [Segment(0.0, 6.0), Segment(6.5, 9.0), Segment(10.0, 14.0), Segment(14.4, 30.0), Segment(30.4, 34.0)]
    cuts = [0.0, 9.5, 14.2, 30.2, 34.0]
    assert cut_speech(voice, 34.0) == tuple(Segment(one, other) for one, other in pairwise(cuts))


stretches = st.lists(st.tuples(st.floats(0.01, 5), st.floats(0.1, 60)), max_size=30)


@given(stretches)
def test_all_voice_is_in_short_pieces_that_do_not_overlap(lengths: list[tuple[float, float]]) -> None:
    voice: list[Segment] = []
    at = 0.0
    for pause, length in lengths:
        voice.append(Segment(at + pause, at + pause + length))
        at += pause + length
    pieces = cut_speech(voice, at)
    assert all(0 < piece.end - piece.start <= LONGEST_WINDOW + 1e-6 for piece in pieces)
    assert all(one.end <= other.start + 1e-9 for one, other in pairwise(pieces))
    for segment in voice:
        covered = sum(max(0.0, min(segment.end, p.end) - max(segment.start, p.start)) for p in pieces)
        assert abs(covered - (segment.end - segment.start)) < 1e-6
