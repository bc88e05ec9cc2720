"""How long audio is cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from server.speech.domain.windows import Window, cut_windows


@given(st.integers(1, 4000), st.integers(201, 900), st.integers(0, 200))
def test_what_is_kept_follows_without_a_gap(frames: int, longest: int, overlap: int) -> None:
    windows = cut_windows(frames, longest, overlap)
    assert windows[0].keep_start == 0
    assert windows[-1].keep_end == frames == windows[-1].end
    assert all(one.keep_end == other.keep_start for one, other in pairwise(windows))
    for window in windows:
        assert 0 <= window.start <= window.keep_start < window.keep_end <= window.end
        assert window.end - window.start <= longest
    if len(windows) > 1:
        # Each seam has sound of both sides in both windows.
        assert all(one.end - one.keep_end >= overlap // 2 for one in windows[:-1])
        assert all(one.keep_start - one.start >= overlap // 2 for one in windows[1:])


def test_what_fits_is_not_cut() -> None:
    assert cut_windows(800, 800, 200) == (Window(0, 800, 0, 800),)
    assert len(cut_windows(801, 800, 200)) == 2
