"""The acoustic evidence that everything is judged on: how probable each change of phone is at each moment."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.phones import CONSONANTS, PHONES, VOWELS, phone_ids

FRAME = 0.01
"""Seconds of one frame."""
OUTPUTS = 557
"""How many transitions the network has an output for."""

_FLOOR = 1e-12
"""The probability of a transition that the network has no output for, or a vanishing one."""


def _order() -> tuple[tuple[str, str], ...]:
    """The network's outputs in its own order: from which phone to which."""
    return (
        *product(CONSONANTS, (*VOWELS, "I", "U")),
        *product(VOWELS, (*CONSONANTS, *VOWELS, "N", "cl", "pau")),
        *product(("I", "U"), (*CONSONANTS, "pau")),
        *product(("N",), (*CONSONANTS, *VOWELS, "cl", "pau", "N")),
        *product(("cl",), (*CONSONANTS, *VOWELS, "N", "pau")),
        *product(("pau",), (*CONSONANTS, *VOWELS, "N", "cl")),
    )


def _fold_order() -> tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]:
    """Which outputs go to which cell of the folded table, in rounds that name no cell twice."""
    cells = [int(a) * len(PHONES) + int(b) for a, b in (phone_ids(pair) for pair in _order())]
    rounds: list[tuple[list[int], list[int]]] = []
    seen: dict[int, int] = {}
    for output, cell in enumerate(cells):
        number = seen.get(cell, 0)
        seen[cell] = number + 1
        if number == len(rounds):
            rounds.append(([], []))
        rounds[number][0].append(cell)
        rounds[number][1].append(output)
    return tuple((np.array(into, np.intp), np.array(outputs, np.intp)) for into, outputs in rounds)


_ROUNDS = _fold_order()


@dataclass(frozen=True, slots=True)
class Transitions:
    """Log probabilities of a stretch of audio, a frame every 10 ms.

    Attributes:
        moves: (frames, phones, phones), the log probability that one phone ends and the other begins in this frame,
            devoiced vowels folded into voiced ones.
        stays: (frames,), the log probability that none does.
    """

    moves: NDArray[np.float32]
    stays: NDArray[np.float32]

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self.stays)

    def part(self, start: int, end: int) -> Transitions:
        """Frames from `start` up to, not including, `end`; a view."""
        return Transitions(self.moves[start:end], self.stays[start:end])


def fold(outputs: NDArray[np.float32], stays: NDArray[np.float32]) -> Transitions:
    """The network's outputs as a table of phone by phone.

    Args:
        outputs: (frames, 557) log probabilities.
        stays: (frames,) log probabilities.

    Raises:
        ValueError: the shape is another: these are not the weights that this was made for.
    """
    if outputs.ndim != 2 or outputs.shape[1] != OUTPUTS or stays.shape != outputs.shape[:1]:
        raise ValueError(f"The network gives {outputs.shape} and {stays.shape}, not (frames, {OUTPUTS}) and (frames,).")
    table = np.zeros((len(stays), len(PHONES) ** 2), np.float32)
    probabilities = np.exp(outputs)
    for cells, taken in _ROUNDS:
        table[:, cells] += probabilities[:, taken]
    np.log(np.maximum(table, _FLOOR, out=table), out=table)
    return Transitions(table.reshape(-1, len(PHONES), len(PHONES)), stays.astype(np.float32))


def join(parts: list[Transitions]) -> Transitions:
    """Stretches that follow each other as one."""
    if len(parts) == 1:
        return parts[0]
    return Transitions(np.concatenate([p.moves for p in parts]), np.concatenate([p.stays for p in parts]))
