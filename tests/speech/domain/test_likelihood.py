"""Likelihood ratios, held against summing every path."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.speech.domain.alignment import chain, forward, trace
from server.speech.domain.confusions import Alternative, Confusion
from server.speech.domain.likelihood import ratios
from server.speech.domain.phones import PHONES, phone_ids
from server.speech.domain.transitions import Transitions

FRAMES = 9


def _random(seed: int) -> Transitions:
    rng = np.random.default_rng(seed)
    moves = np.log(rng.random((FRAMES, len(PHONES), len(PHONES)))).astype(np.float32)
    return Transitions(moves, np.log(rng.random(FRAMES)).astype(np.float32))


def _total(transitions: Transitions, names: tuple[str, ...]) -> float:
    """The log sum over all paths through these phones, with a pause after each vowel but the last, or none.

    No pause is made within a long vowel, since that is a replacement in one piece.
    """
    places = [i for i, name in enumerate(names[:-2]) if name in "aiueo" and names[i + 1] != name]
    found = []
    for count in range(len(places) + 1):
        for chosen in combinations(places, count):
            path: list[str] = []
            for index, name in enumerate(names):
                path.append(name)
                if index in chosen:
                    path.append("pau")
            ids = phone_ids(path)
            for at in combinations(range(FRAMES), len(ids) - 1):
                scores = transitions.stays.astype(float)
                for step, frame in enumerate(at):
                    scores[frame] = transitions.moves[frame, ids[step], ids[step + 1]]
                found.append(scores.sum())
    return float(np.logaddexp.reduce(found))


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_every_alternative_is_summed_over_all_paths(seed: int) -> None:
    transitions = _random(seed)
    names = ("pau", "a", "k", "i", "o", "pau")
    tried = {
        Alternative(Confusion.VOICING, 1, 1, 2, 4, ("g", "i")): ("pau", "a", "g", "i", "o", "pau"),
        Alternative(Confusion.MORA_OMITTED, 1, 1, 2, 4, ()): ("pau", "a", "o", "pau"),
        Alternative(Confusion.LONG_ADDED, 1, 1, 2, 4, ("k", "i", "i")): ("pau", "a", "k", "i", "i", "o", "pau"),
        Alternative(Confusion.VOWEL, 2, 1, 4, 5, ("u",)): ("pau", "a", "k", "i", "u", "pau"),
        Alternative(Confusion.MORA_OMITTED, 0, 1, 1, 2, ()): ("pau", "k", "i", "o", "pau"),
    }
    states = chain(transitions, phone_ids(names))
    alignment = trace(states, *forward(states))
    found = ratios(transitions, states, alignment, list(tried))
    whole = _total(transitions, names)
    for ratio, said in zip(found, tried.values(), strict=True):
        assert ratio == pytest.approx(whole - _total(transitions, said), abs=1e-3), said


def test_without_alternatives_there_is_nothing() -> None:
    transitions = _random(1)
    states = chain(transitions, phone_ids(["pau", "a", "pau"]))
    assert len(ratios(transitions, states, trace(states, *forward(states)), [])) == 0
