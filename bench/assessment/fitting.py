"""Fits the models of the assessment: convex problems, by Newton's method."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_STEPS = 25


def conditional_logit(
    choices: Sequence[Floats], chosen: Sequence[int], ridge: float, weights: Floats | None = None
) -> Floats:
    """Weights of features with which what was chosen is likeliest (McFadden 1974).

    Args:
        choices: for each sample (alternatives, features).
        chosen: for each sample the alternative.
        ridge: penalty on squared weights, of features that are scaled to mean square 1.
        weights: of the samples; None: all the same.
    """
    most = max(len(one) for one in choices)
    width = choices[0].shape[1]
    cube = np.zeros((len(choices), most, width))
    shut = np.full((len(choices), most), -1e9)
    for index, one in enumerate(choices):
        cube[index, : len(one)] = one
        shut[index, : len(one)] = 0
    scale = np.sqrt((cube**2).sum(axis=(0, 1)) / max(1, int((shut == 0).sum())))
    scale[scale == 0] = 1
    cube /= scale
    share = np.ones(len(choices)) if weights is None else weights
    share = share / share.sum()
    taken = cube[np.arange(len(choices)), np.asarray(chosen)]
    found = np.zeros(width)
    for _ in range(_STEPS):
        odds = cube @ found + shut
        likely = np.exp(odds - odds.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        mean = np.einsum("sa,saf->sf", likely, cube)
        slope = share @ (mean - taken) + ridge * found
        weighted = cube * (likely * share[:, None])[:, :, None]
        bend = np.tensordot(weighted, cube, axes=([0, 1], [0, 1])) - (mean * share[:, None]).T @ mean
        step = np.linalg.solve(bend + ridge * np.eye(width), slope)
        found = found - step
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(found / scale, np.float64)


def logistic(features: Floats, positive: NDArray[np.bool_], ridge: float) -> tuple[Floats, float]:
    """Weights and bias of a logistic model; both classes count the same, however many samples they have."""
    scale = np.sqrt((features**2).mean(axis=0))
    scale[scale == 0] = 1
    design = np.column_stack([features / scale, np.ones(len(features))])
    wanted = positive.astype(np.float64)
    share = np.where(positive, 0.5 / max(1, positive.sum()), 0.5 / max(1, (~positive).sum()))
    penalty = np.diag([ridge] * features.shape[1] + [1e-6])
    found = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        likely = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        slope = design.T @ (share * (likely - wanted)) + penalty @ found
        bend = (design * (share * np.maximum(likely * (1 - likely), 1e-6))[:, None]).T @ design + penalty
        step = np.linalg.solve(bend, slope)
        found = found - step
        if np.abs(step).max() < 1e-9:
            break
    return found[:-1] / scale, float(found[-1])
