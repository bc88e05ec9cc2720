"""Which pitch accent was said.

An accent phrase of n morae has n patterns that can be told apart: the pitch drops after mora 1, 2, ... n - 1, or not
within the phrase. (A drop after the last mora shows only in what follows, so it counts as flat.) A conditional logit
model (D. McFadden, 1974, "Conditional logit analysis of qualitative choice behavior") gives each a probability, from
the pitch around each place where it could drop, and, in a sentence, from how far the pitch is from the melody that the
reference voice gives to each pattern. Isolated words and phrases in sentences have weights of their own: a word alone
has all of its melody, a phrase shares it with its neighbours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Contour = NDArray[np.float64]
"""(morae, 3): semitones at the beginning, in the middle and at the end of each mora; NaN where there is no pitch."""

LOCAL_FEATURES = (
    "drops", "fall", "fall_at_end", "fall_within_next", "fall_to_second", "rise_before", "below_highest",
    "higher_later", "first", "last", "first_fall", "voiceless", "next_voiceless", "fall_to_phrase_end", "first_glide",
    "hidden_peak", "flat", "flat_fall", "flat_rise", "flat_fall_into_next", "flat_not_last", "flat_largest_fall",
)  # fmt: skip
MELODY_FEATURES = ("misfit", "small_misfit", "log_misfit")
FEATURES = LOCAL_FEATURES + MELODY_FEATURES

_LARGEST = 8.0
"""Semitones to which differences are cut: what is more is an octave error or a creak."""


@dataclass(frozen=True, slots=True)
class MelodyParameters:
    """How the pitch is held against the reference voice's melody.

    Attributes:
        range: how much wider than the voice's model speakers' ranges are, and `range_weight`, how many squared
            semitones that counts for; the range of one utterance is kept between `least_range` and `most_range`.
        largest: residual, semitones, from which on more is no worse.
        residual: standard deviation of residuals, semitones, and `residual_weight`, how many values that counts for.
    """

    range: float
    range_weight: float
    least_range: float
    most_range: float
    largest: float
    residual: float
    residual_weight: float


@dataclass(frozen=True, slots=True)
class AccentParameters:
    """When an accent is wrong. Calibrated by `bench.assessment`.

    Attributes:
        word: weights of LOCAL_FEATURES for an utterance of one phrase.
        phrase: weights of FEATURES for phrases in sentences.
        melody: for MELODY_FEATURES.
        most_voiceless: share of voiceless morae from which on a phrase is not judged.
        strong_evidence: probability of the accepted accents under which the accent is called wrong.
        full, none: probabilities of the accepted accents from which on the score is 100, and under which it is 0.
    """

    word: Mapping[str, float]
    phrase: Mapping[str, float]
    melody: MelodyParameters
    most_voiceless: float
    strong_evidence: float
    full: float
    none: float


@dataclass(frozen=True, slots=True, eq=False)
class PhraseMelody:
    """The reference voice's melody for every pattern of one phrase.

    Attributes:
        first_mora: of the utterance, with which the curves begin: some before the phrase.
        curves: (patterns, morae, 3), semitones on any scale; patterns are ordered by nucleus, flat last.
    """

    first_mora: int
    curves: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Melody:
    """The reference voice's melody.

    Attributes:
        expected: of the whole, with the accents that it should have; semitones on any scale.
        phrases: for every accent phrase in order; None for those of one mora, which have one pattern.
    """

    expected: Contour
    phrases: tuple[PhraseMelody | None, ...]


@dataclass(frozen=True, slots=True)
class AccentJudgement:
    """How one accent phrase was said.

    Attributes:
        heard: the likeliest nucleus: the mora after which the pitch drops, from 1; 0 is flat.
        heard_probability: of that one, 0 to 1.
        accepted_probability: of all accepted ones together.
        wrong: whether there is strong evidence for a wrong accent.
        score: 0 to 100.
    """

    heard: int
    heard_probability: float
    accepted_probability: float
    wrong: bool
    score: float


def judge_accents(
    contour: Contour,
    phrases: Sequence[tuple[int, int, Sequence[int]]],
    melody: Melody | None,
    parameters: AccentParameters,
) -> tuple[AccentJudgement | None, ...]:
    """Judges the accents of an utterance.

    Args:
        contour: of all its morae, semitones from any base; of the vowels or nasals alone, as consonants disturb pitch.
        phrases: accent phrases in order: first mora, number of morae, accepted nuclei (0 or the number of morae: flat).
        melody: the reference voice's; None: judged without.
        parameters: the model.

    Returns:
        For each phrase its judgement; None where it has one mora or too little pitch.
    """
    probabilities = nucleus_probabilities(contour, [(first, count) for first, count, _ in phrases], melody, parameters)
    return tuple(
        None if found is None else _judgement(found, count, accepted, parameters)
        for found, (_, count, accepted) in zip(probabilities, phrases, strict=True)
    )


def nucleus_probabilities(
    contour: Contour, phrases: Sequence[tuple[int, int]], melody: Melody | None, parameters: AccentParameters
) -> tuple[Floats | None, ...]:
    """For each phrase the probabilities of its patterns, by nucleus and flat last; None where it can't be judged."""
    weights = parameters.word if len(phrases) == 1 else parameters.phrase
    names = LOCAL_FEATURES if len(phrases) == 1 else FEATURES
    vector = np.array([weights[name] for name in names])
    found: list[Floats | None] = []
    for features in accent_features(contour, phrases, melody, parameters.melody, parameters.most_voiceless):
        if features is None:
            found.append(None)
            continue
        odds = features[:, : len(vector)] @ vector
        likelihood = np.exp(odds - odds.max())
        found.append(likelihood / likelihood.sum())
    return tuple(found)


def accent_features(
    contour: Contour,
    phrases: Sequence[tuple[int, int]],
    melody: Melody | None,
    parameters: MelodyParameters,
    most_voiceless: float,
) -> tuple[Floats | None, ...]:
    """For each phrase (patterns, FEATURES); None for phrases of one mora and those with too little pitch."""
    voiceless: NDArray[np.bool_] = np.asarray(np.isnan(contour).all(axis=1))
    filled = _filled(contour)
    misfits = _misfits(contour, phrases, melody, parameters)
    return tuple(
        None
        if count < 2 or filled is None or voiceless[first : first + count].mean() > most_voiceless
        else np.column_stack([_local(filled, voiceless, first, count), _of_misfit(misfit)])
        for (first, count), misfit in zip(phrases, misfits, strict=True)
    )


def _judgement(
    probabilities: Floats, count: int, accepted: Sequence[int], parameters: AccentParameters
) -> AccentJudgement:
    heard = int(probabilities.argmax())
    places = {_pattern(nucleus, count) for nucleus in accepted}
    right = float(sum(probabilities[place] for place in places))
    # Flat and a drop after the last mora sound alike here: it is called what it should have been.
    flat = next((nucleus for nucleus in accepted if _pattern(nucleus, count) == count - 1), 0)
    span = np.log(parameters.full / parameters.none)
    score = 100 * float(np.clip(np.log(max(right, 1e-12) / parameters.none) / span, 0, 1))
    return AccentJudgement(
        flat if heard == count - 1 else heard + 1,
        float(probabilities[heard]),
        min(1.0, right),
        right < parameters.strong_evidence and heard not in places,
        score,
    )


def _pattern(nucleus: int, count: int) -> int:
    """Where a nucleus stands among the patterns."""
    return nucleus - 1 if 0 < nucleus < count else count - 1


def _filled(contour: Contour) -> Contour | None:
    """The contour without gaps: missing thirds are the mean of a mora's others, missing morae lie on straight lines."""
    known = ~np.isnan(contour)
    counts = known.sum(axis=1, keepdims=True)
    if known.sum() < 2:
        return None
    means = np.where(known, contour, 0).sum(axis=1, keepdims=True) / np.maximum(counts, 1)
    whole = np.where(known, contour, np.where(counts > 0, means, np.nan)).ravel()
    times = (np.arange(len(contour))[:, None] + np.array([0.2, 0.5, 0.8])).ravel()
    there = ~np.isnan(whole)
    return np.asarray(np.interp(times, times[there], whole[there]), np.float64).reshape(-1, 3)


def _local(contour: Contour, voiceless: NDArray[np.bool_], first: int, count: int) -> Floats:
    """(patterns, LOCAL_FEATURES) from the pitch of the phrase and its neighbours."""
    end = first + count
    own = np.clip(contour - np.median(contour[first:end]), -_LARGEST - 1, _LARGEST + 1)
    start, middle, stop = own.T
    peak = np.maximum(middle, stop)
    highest = peak[first:end].max()
    here = np.arange(first, end - 1)
    after = here + 1
    second = np.where(after + 1 < end, middle[np.minimum(after + 1, end - 1)], stop[after])
    later = np.maximum.accumulate(peak[first:end][::-1])[::-1][1:]
    is_first, is_last = (here == first).astype(float), (after == end - 1).astype(float)
    before = np.where(here > first, middle[here] - middle[here - 1], 0.0)
    unheard = voiceless[here].astype(float)

    found = np.zeros((count, len(LOCAL_FEATURES)))
    found[:-1, :16] = np.column_stack(
        [
            np.ones(count - 1),
            _cut(peak[here] - middle[after]),
            _cut(stop[here] - stop[after]),
            _cut(start[after] - stop[after]),
            _cut(peak[here] - second),
            _cut(before),
            _cut(highest - peak[here]),
            _cut(later - peak[here]),
            is_first,
            is_last,
            is_first * _cut(middle[here] - middle[after]),
            unheard,
            voiceless[after].astype(float),
            _cut(middle[after] - stop[end - 1]),
            is_first * _cut(start[here] - middle[here]),
            unheard * _cut(highest - peak[after]),
        ]
    )
    into_next = float(_cut(stop[end - 1] - middle[end])) if end < len(own) else 0.0
    found[-1, 16:] = (
        1.0,
        _cut(highest - stop[end - 1]),
        _cut(highest - middle[first]),
        into_next,
        float(end < len(own)),
        _cut(-np.diff(middle[first:end]).min()),
    )
    return found


def _cut(semitones: Floats | float) -> Floats:
    return np.clip(semitones, -_LARGEST, _LARGEST)


def _misfits(
    contour: Contour, phrases: Sequence[tuple[int, int]], melody: Melody | None, parameters: MelodyParameters
) -> list[Floats]:
    """For each phrase how much worse each pattern's melody fits than the best one, in nats of a Gaussian likelihood.

    Its deviation is that of the whole utterance: a reading that is all like the reference voice's is judged by small
    differences, one that goes its own ways by large ones only.
    """
    if melody is None:
        return [np.zeros(count) for _, count in phrases]
    scale = _range(contour, melody.expected, parameters)
    total = parameters.residual_weight * parameters.residual**2
    values = parameters.residual_weight
    sums: list[Floats] = []
    for (_, count), own in zip(phrases, melody.phrases, strict=True):
        residuals, heard = (None, 0) if own is None else _residuals(contour, own, scale, parameters.largest)
        if residuals is None:
            sums.append(np.zeros(count))
            continue
        sums.append(residuals - residuals.min())
        total += residuals.min()
        # The level is free, and the pattern was chosen.
        values += max(heard - 2, 1)
    return [own / (2 * total / values) for own in sums]


def _residuals(contour: Contour, own: PhraseMelody, scale: float, largest: float) -> tuple[Floats | None, int]:
    """Sums of squared residuals by pattern, each at the level that fits best, and how many values they sum."""
    length = min(own.curves.shape[1], len(contour) - own.first_mora)
    heard = contour[own.first_mora : own.first_mora + length]
    curves = own.curves[:, :length]
    known = ~np.isnan(heard) & ~np.isnan(curves).any(axis=0)
    if known.sum() < 3:
        return None, 0
    off = heard[known] - scale * curves[:, known]
    off -= np.median(off, axis=1, keepdims=True)
    return np.minimum(np.abs(off), largest) ** 2 @ np.ones(int(known.sum())), int(known.sum())


def _range(contour: Contour, expected: Contour, parameters: MelodyParameters) -> float:
    """How much wider the speaker's range is than that of the expected melody: ridge regression towards the usual."""
    both = ~np.isnan(contour) & ~np.isnan(expected[: len(contour)])
    if both.sum() < 6:
        return parameters.range
    wanted = expected[: len(contour)][both]
    heard = contour[both]
    wanted = wanted - np.median(wanted)
    heard = np.clip(heard - np.median(heard), -_LARGEST, _LARGEST)
    weight = parameters.range_weight
    found = (wanted @ heard + weight * parameters.range) / (wanted @ wanted + weight)
    return float(np.clip(found, parameters.least_range, parameters.most_range))


def _of_misfit(misfit: Floats) -> Floats:
    """(patterns, MELODY_FEATURES)."""
    cut = np.minimum(misfit, 20.0)
    return np.column_stack([cut, np.minimum(cut, 2.0), np.log1p(cut)])
