"""Aligns what was to be said with what was heard, mora by mora."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from server.speech.domain.morae import likeness

_GAP = 70
"""Cost of a mora too few or too many, in hundredths: less than a replacement by something unlike (100), more than by
something alike. Whole numbers, so that equal costs are equal."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One step of an alignment.

    Attributes:
        expected: index of the expected mora; None where something was added.
        heard: index of the heard mora; None where something was left out.
    """

    expected: int | None
    heard: int | None


def align(expected: Sequence[str], heard: Sequence[str]) -> tuple[Pair, ...]:
    """The cheapest way to turn one sequence of morae into the other (weighted edit distance, Wagner and Fischer 1974).

    Args:
        expected: morae of the reference.
        heard: morae of the transcript.

    Returns:
        Pairs in order; every index of both appears exactly once.
    """
    rows, columns = len(expected) + 1, len(heard) + 1
    cost = [[0] * columns for _ in range(rows)]
    for i in range(1, rows):
        cost[i][0] = i * _GAP
    for j in range(1, columns):
        cost[0][j] = j * _GAP
    for i in range(1, rows):
        for j in range(1, columns):
            cost[i][j] = min(
                cost[i - 1][j - 1] + _change(expected[i - 1], heard[j - 1]),
                cost[i - 1][j] + _GAP,
                cost[i][j - 1] + _GAP,
            )
    pairs: list[Pair] = []
    i, j = rows - 1, columns - 1
    while i or j:
        if i and j and cost[i][j] == cost[i - 1][j - 1] + _change(expected[i - 1], heard[j - 1]):
            i, j = i - 1, j - 1
            pairs.append(Pair(i, j))
        elif i and cost[i][j] == cost[i - 1][j] + _GAP:
            i -= 1
            pairs.append(Pair(i, None))
        else:
            j -= 1
            pairs.append(Pair(None, j))
    return tuple(reversed(pairs))


def error_rate(expected: Sequence[str], heard: Sequence[str]) -> float:
    """Kana error rate: unweighted edit distance over the length of the reference; 0 for two empty ones.

    Returns:
        0 upwards; above 1 when more was added than there was.
    """
    previous = list(range(len(heard) + 1))
    for i, wanted in enumerate(expected, 1):
        row = [i]
        for j, got in enumerate(heard, 1):
            row.append(min(previous[j - 1] + (wanted != got), previous[j] + 1, row[j - 1] + 1))
        previous = row
    return previous[-1] / max(1, len(expected))


def read_so_far(expected: Sequence[str], heard: Sequence[str]) -> int:
    """How many of the expected morae have been read, given what has been heard so far.

    The prefix of the reference that the heard morae match best; among equals the longest. The last pair must be alike,
    so that trailing noise does not count as progress.

    Returns:
        0 to `len(expected)`.
    """
    return _best_prefix(expected, heard)[1]


def agreement(expected: Sequence[str], heard: Sequence[str]) -> float:
    """How well what was heard reads like the beginning of what is expected, whatever its length.

    Returns:
        0 to 1: 1 where it is a prefix, 0 where nothing is alike or nothing was heard.
    """
    return 1 - _best_prefix(expected, heard)[0] / (_GAP * len(heard)) if heard else 0.0


def _best_prefix(expected: Sequence[str], heard: Sequence[str]) -> tuple[int, int]:
    """The cost and the length of the prefix of `expected` that matches best; among equals the longest."""
    cost = [j * _GAP for j in range(len(heard) + 1)]
    best, position = cost[-1], 0
    # A prefix more than twice as long as what was heard costs more in morae left out than none at all.
    for i, wanted in enumerate(expected[: 2 * len(heard)], 1):
        row = [i * _GAP]
        for j, got in enumerate(heard, 1):
            row.append(min(cost[j - 1] + _change(wanted, got), cost[j] + _GAP, row[j - 1] + _GAP))
        cost = row
        if cost[-1] <= best:
            best, position = cost[-1], i
    return best, position


@lru_cache(maxsize=32_768)
def _change(expected: str, heard: str) -> int:
    return round(100 * (1 - likeness(expected, heard)))
