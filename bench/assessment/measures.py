"""Statistics of measurements."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def auc(positive: ArrayLike, negative: ArrayLike) -> float:
    """The probability that a positive scores higher than a negative; ties count half (Mann-Whitney)."""
    high, low = np.asarray(positive, np.float64), np.asarray(negative, np.float64)
    if not len(high) or not len(low):
        return math.nan
    ranks = _ranks(np.concatenate([high, low]))
    return float((ranks[: len(high)].sum() - len(high) * (len(high) + 1) / 2) / (len(high) * len(low)))


def spearman(one: ArrayLike, other: ArrayLike) -> float:
    """Rank correlation; 0 where one of them does not vary."""
    a, b = _ranks(np.asarray(one, np.float64)), _ranks(np.asarray(other, np.float64))
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def recall_at(positive: ArrayLike, negative: ArrayLike, false_alarms: float) -> float:
    """The share of positives above the threshold that this share of negatives is above."""
    high, low = np.asarray(positive, np.float64), np.asarray(negative, np.float64)
    if not len(high) or not len(low):
        return math.nan
    return float(np.mean(high > np.quantile(low, 1 - false_alarms)))


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % interval of a share (E. B. Wilson, 1927)."""
    if trials == 0:
        return 0.0, 1.0
    z = 1.959964
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials)) / (1 + z * z / trials)
    return max(0.0, middle - half), min(1.0, middle + half)


def folds(keys: Sequence[str], count: int = 10) -> list[NDArray[np.bool_]]:
    """Cuts samples into folds in which everything with the same key is together: for each, which samples are in it."""
    distinct = sorted(set(keys))
    order = np.random.default_rng(0).permutation(len(distinct))
    fold = {distinct[place]: number % count for number, place in enumerate(order)}
    of = np.array([fold[key] for key in keys])
    return [of == number for number in range(min(count, len(distinct)))]


def _ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[place], np.float64)
