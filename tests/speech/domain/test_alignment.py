"""Alignment, held against trying every path."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from server.speech.domain.alignment import align
from server.speech.domain.phones import PHONES, phone_ids
from server.speech.domain.transitions import OUTPUTS, Transitions, fold


def _random(seed: int, frames: int) -> Transitions:
    rng = np.random.default_rng(seed)
    moves = np.log(rng.random((frames, len(PHONES), len(PHONES)))).astype(np.float32)
    return Transitions(moves, np.log(rng.random(frames)).astype(np.float32))


def _path_score(transitions: Transitions, path: NDArray[np.intp], at: tuple[int, ...]) -> float:
    scores = transitions.stays.astype(float)
    for step, frame in enumerate(at):
        scores[frame] = transitions.moves[frame, path[step], path[step + 1]]
    return float(scores.sum())


@given(st.integers(0, 2**32 - 1), st.integers(4, 8))
def test_no_path_is_better(seed: int, frames: int) -> None:
    transitions = _random(seed, frames)
    ids = phone_ids(["pau", "k", "a", "pau"])
    found = align(transitions, ids)
    assert found is not None
    tried = [(_path_score(transitions, ids, at), at) for at in combinations(range(frames), 3)]
    score, at = max(tried)
    assert found.score == pytest.approx(score)
    assert tuple(found.onsets[1:]) == at
    assert found.pauses == ()


@given(st.integers(0, 2**32 - 1))
def test_a_pause_may_stand_after_a_vowel(seed: int) -> None:
    transitions = _random(seed, 8)
    plain, paused = phone_ids(["pau", "a", "k", "a", "pau"]), phone_ids(["pau", "a", "pau", "k", "a", "pau"])
    found = align(transitions, plain)
    assert found is not None
    best = max(
        max(_path_score(transitions, plain, at) for at in combinations(range(8), 4)),
        max(_path_score(transitions, paused, at) for at in combinations(range(8), 5)),
    )
    assert found.score == pytest.approx(best)
    for pause in found.pauses:
        assert pause.after == 1
        assert found.ends[1] == pause.start < pause.end == found.onsets[2]


def test_too_short_for_its_phones() -> None:
    assert align(_random(0, 3), phone_ids(["pau", "k", "a", "pau"])) is None


def test_devoiced_and_voiced_outputs_are_added() -> None:
    outputs = np.full((1, OUTPUTS), -50.0, np.float32)
    # The first consonant is ry, with a i u e o I U in this order.
    outputs[0, 1], outputs[0, 5] = np.log(0.25), np.log(0.5)
    folded = fold(outputs, np.zeros(1, np.float32))
    ry, i = phone_ids(["ry", "i"])
    assert np.exp(folded.moves[0, ry, i]) == pytest.approx(0.75)


def test_weights_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="557"):
        fold(np.zeros((3, 42), np.float32), np.zeros(3, np.float32))
