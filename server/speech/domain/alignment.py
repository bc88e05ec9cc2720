"""Finds where each phone of a known text was said (Viterbi 1967, over phone transitions)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.phones import MAY_PRECEDE_PAUSE, PAUSE_ID
from server.speech.domain.transitions import Transitions

IMPOSSIBLE = -1e9

Row = NDArray[np.float64]
Table = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A run of phones as a left-to-right chain of states, with a state for an optional pause after each that allows it.

    Attributes:
        ids: (states,) phone ids, with a pause at both ends.
        moves: (frames, states), log probability of going from each phone to the next; the last column is impossible.
        to_pause: (frames, states), of going from a phone into the pause after it; impossible where there can be none.
        from_pause: (frames, states), of going from that pause to the next phone.
        stays: (frames,), of staying, whatever the state.
    """

    ids: NDArray[np.intp]
    moves: Table
    to_pause: Table
    from_pause: Table
    stays: Row


def chain(transitions: Transitions, ids: NDArray[np.intp]) -> Chain:
    """The states of a pronunciation and what they cost.

    Args:
        transitions: the evidence.
        ids: phone ids with a pause at both ends.
    """
    moves = transitions.moves
    frames, states = transitions.frames, len(ids)
    ahead = np.full((frames, states), IMPOSSIBLE)
    ahead[:, :-1] = moves[:, ids[:-1], ids[1:]]
    may = MAY_PRECEDE_PAUSE[ids].copy()
    may[-1] = False
    may[:-1] &= ids[1:] != PAUSE_ID
    out = np.where(may, moves[:, ids, PAUSE_ID], IMPOSSIBLE)
    back = np.full((frames, states), IMPOSSIBLE)
    back[:, :-1] = np.where(may[:-1], moves[:, PAUSE_ID, ids[1:]], IMPOSSIBLE)
    return Chain(ids, ahead, out, back, transitions.stays.astype(np.float64))


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause between two phones.

    Attributes:
        after: index of the phone before it.
        start, end: frames.
    """

    after: int
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Alignment:
    """Where each phone was said.

    Attributes:
        onsets: (phones,) the frame in which each phone begins; 0 for the leading pause.
        ends: (phones,) the frame in which it ends, that is, the next phone or a pause after it begins.
        pauses: pauses between phones, in order of time.
        score: log probability of the best path.
    """

    onsets: NDArray[np.intp]
    ends: NDArray[np.intp]
    pauses: tuple[Pause, ...]
    score: float

    def pause_frames(self, first: int, end: int) -> int:
        """How many frames of pause there are after phones `first` up to, not including, `end`."""
        return sum(pause.end - pause.start for pause in self.pauses if first <= pause.after < end)


def forward(states: Chain, start: tuple[Row, Row] | None = None, join: np.ufunc = np.maximum) -> tuple[Table, Table]:
    """The score of what leads into every state by every frame.

    Args:
        states: the chain.
        start: scores of phones and of pauses before the first frame; None: in the leading pause.
        join: how paths that meet count together: `np.maximum` for the best of them (Viterbi), `np.logaddexp` for their
            sum (the forward algorithm of Baum 1970).

    Returns:
        Two tables (frames + 1, states), of phones and of the pauses after them; row t is before frame t.
    """
    frames, count = states.moves.shape
    phones = np.full((frames + 1, count), IMPOSSIBLE)
    pauses = np.full((frames + 1, count), IMPOSSIBLE)
    if start is None:
        phones[0, 0] = 0.0
    else:
        phones[0], pauses[0] = start
    moved, out = np.empty(count), np.empty(count)
    for t in range(frames):
        now, paused, stay = phones[t], pauses[t], states.stays[t]
        np.add(now, states.moves[t], out=moved)
        np.add(paused, states.from_pause[t], out=out)
        join(moved, out, out=moved)
        following = phones[t + 1]
        np.add(now, stay, out=following)
        join(following[1:], moved[:-1], out=following[1:])
        np.add(now, states.to_pause[t], out=out)
        np.add(paused, stay, out=pauses[t + 1])
        join(pauses[t + 1], out, out=pauses[t + 1])
    return phones, pauses


def backward(states: Chain) -> tuple[Table, Table]:
    """The log sum of all paths from every state at every frame to the end in the last state.

    Returns:
        Two tables (frames + 1, states), of phones and of the pauses after them; row t is before frame t.
    """
    frames, count = states.moves.shape
    phones = np.full((frames + 1, count), IMPOSSIBLE)
    pauses = np.full((frames + 1, count), IMPOSSIBLE)
    phones[frames, -1] = 0.0
    out = np.empty(count)
    for t in range(frames - 1, -1, -1):
        later, later_paused, stay = phones[t + 1], pauses[t + 1], states.stays[t]
        np.add(later, stay, out=phones[t])
        np.add(later[1:], states.moves[t, :-1], out=out[:-1])
        np.logaddexp(phones[t, :-1], out[:-1], out=phones[t, :-1])
        np.add(later_paused, states.to_pause[t], out=out)
        np.logaddexp(phones[t], out, out=phones[t])
        np.add(later_paused, stay, out=pauses[t])
        np.add(later[1:], states.from_pause[t, :-1], out=out[:-1])
        np.logaddexp(pauses[t, :-1], out[:-1], out=pauses[t, :-1])
    return phones, pauses


def align(transitions: Transitions, ids: NDArray[np.intp]) -> Alignment | None:
    """The most probable places of the phones of a pronunciation, with optional pauses between morae.

    Args:
        transitions: the evidence of the whole recording.
        ids: phone ids with a pause at both ends.

    Returns:
        None where there are fewer frames than phones.
    """
    if transitions.frames < len(ids):
        return None
    states = chain(transitions, ids)
    return trace(states, *forward(states))


def trace(states: Chain, phones: Table, pauses: Table) -> Alignment:
    """The best path that ends in the last state, from the tables of `forward`."""
    frames, count = states.moves.shape
    onsets = np.zeros(count, np.intp)
    ends = np.full(count, frames, np.intp)
    found: list[Pause] = []
    state, t, paused, pause_end = count - 1, frames, False, 0
    while t > 0 and (state > 0 or paused):
        t -= 1
        stay = states.stays[t]
        if paused:
            if phones[t, state] + states.to_pause[t, state] > pauses[t, state] + stay:
                found.append(Pause(state, t, pause_end))
                ends[state] = t
                paused = False
            continue
        moved = phones[t, state - 1] + states.moves[t, state - 1]
        resumed = pauses[t, state - 1] + states.from_pause[t, state - 1]
        if phones[t, state] + stay >= max(moved, resumed):
            continue
        onsets[state] = t
        state -= 1
        ends[state] = t
        if resumed > moved:
            paused, pause_end = True, t
    return Alignment(onsets, ends, tuple(reversed(found)), float(phones[frames, count - 1]))
