"""Everything that is measured about how a text was read, before anything is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from server.speech.domain.alignment import IMPOSSIBLE, Alignment, Chain, Table, chain, forward, trace
from server.speech.domain.confusions import Confusion
from server.speech.domain.explanation import Explanation, explain
from server.speech.domain.lengths import Lengths, measure_lengths
from server.speech.domain.parameters import Gate
from server.speech.domain.phone_loop import HeardPhones
from server.speech.domain.phones import PAUSE_ID
from server.speech.domain.pronunciation import Pronunciation
from server.speech.domain.transitions import Transitions

_ALMOST_ALL = 1
"""Morae at the end that may be missed and count as read: the last is often voiceless or cut off."""
_MOST_RUNS = 2
"""How many runs of words are looked for as left out."""
_MOST_WORDS = 6
"""The longest of them."""
_OMISSION_COST = 5.0
"""Nats that each phone left out takes from the quality of the rest."""
_GAIN = 4.0
"""Nats a phone that leaving words out must bring: native readings lose 0.5 a phone, other texts 14."""


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """How well a text fits what was said.

    Attributes:
        pronunciation: of what was read of the text: of the whole, or without its end or words that were left out.
        morae: which of the text's morae that are, ascending.
        total: how many morae the whole text has.
        states: its chain.
        alignment: where its phones were said.
        quality: the mean over its phones of how much less probable it is than whatever phones fit best: 0 the same,
            -0.5 a native reading, -5 many mistakes, under -10 something else.
    """

    pronunciation: Pronunciation
    morae: tuple[int, ...]
    total: int
    states: Chain
    alignment: Alignment
    quality: float

    @property
    def reached(self) -> int:
        """How many morae there are up to the last that was read."""
        return self.morae[-1] + 1


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What was measured about a reading.

    Attributes:
        fit: how well the text fits.
        explanation: what was said in place of what.
        lengths: how long sounds were held; None where that is unknown.
        heard: the phones that were said, whatever the text.
    """

    fit: Fit
    explanation: Explanation
    lengths: Lengths | None
    heard: HeardPhones

    def share(self, gate: Gate, doubt: float) -> float:
        """How much of the points the fit leaves, 0 to 1: all of what fits at all where nothing seems wrong.

        Args:
            doubt: as in `explain`.
        """
        share = gate.share(self.fit.quality)
        return 1.0 if share > 0 and self.explanation.margins.min() >= doubt else share


def fit_text(
    transitions: Transitions, heard: HeardPhones, whole: Pronunciation, omissions_below: float, worst_phone: float
) -> Fit | None:
    """Aligns a text, or as much of it as was read.

    Args:
        transitions: the evidence.
        heard: the best phones of the same evidence.
        whole: the text.
        omissions_below: quality under which it is tried whether words were left out.
        worst_phone: the most that a phone takes from the quality, in nats: a single wrong sound is not another text.

    Returns:
        None where the recording is too short for the text's phones, or nothing of it was read.
    """
    states = chain(transitions, whole.ids)
    phones, _ = forward(states)
    read = morae_read(transitions, states, phones, whole)
    everything = tuple(range(len(whole.spans)))
    kept = everything[:read] if read < len(everything) - _ALMOST_ALL else everything
    fit = _fit(transitions, heard, whole, kept, worst_phone) if kept else None
    if fit is not None and fit.quality >= omissions_below:
        return fit
    # All explain the recording from its beginning to its end, so their probabilities compare.
    full = fit if kept == everything else _fit(transitions, heard, whole, everything, worst_phone)
    fits = (full, fit, _without_words(transitions, heard, whole, full, worst_phone))

    def worth(one: Fit) -> float:
        return one.alignment.score - _OMISSION_COST * (len(whole.ids) - len(one.pronunciation.ids))

    return max((one for one in fits if one is not None), key=worth, default=None)


def _fit(
    transitions: Transitions, heard: HeardPhones, whole: Pronunciation, kept: tuple[int, ...], worst_phone: float
) -> Fit | None:
    text = whole.of(kept)
    if transitions.frames < len(text.ids):
        return None
    states = chain(transitions, text.ids)
    alignment = trace(states, *forward(states))
    quality = _quality(states, alignment, heard, worst_phone)
    return Fit(text, kept, len(whole.spans), states, alignment, quality)


def _quality(states: Chain, alignment: Alignment, heard: HeardPhones, worst_phone: float) -> float:
    """The mean over the phones of what each stretch of audio loses by being that phone."""
    own = states.stays.copy()
    paused = {pause.after: pause for pause in alignment.pauses}
    for phone in range(1, len(states.ids)):
        frame = alignment.onsets[phone]
        pause = paused.get(phone - 1)
        if pause is None:
            own[frame] = states.moves[frame, phone - 1]
        else:
            own[pause.start] = states.to_pause[pause.start, phone - 1]
            own[frame] = states.from_pause[frame, phone - 1]
    lost = np.concatenate([[0.0], np.cumsum(own - heard.frame_scores)])
    edges = np.append(alignment.onsets, len(own))
    return float(np.maximum(np.diff(lost[edges]), worst_phone).mean())


def _without_words(
    transitions: Transitions, heard: HeardPhones, whole: Pronunciation, best: Fit | None, worst_phone: float
) -> Fit | None:
    """Leaves out runs of words as long as the text fits much better without, and half of it is left."""
    kept = tuple(range(len(whole.spans)))
    for _ in range(_MOST_RUNS):
        found: Fit | None = None
        for run in _runs(whole, kept):
            left = tuple(mora for mora in kept if mora not in run)
            if 2 * len(left) < len(whole.spans):
                continue
            fit = _fit(transitions, heard, whole, left, worst_phone)
            if fit is not None and (found is None or fit.alignment.score > found.alignment.score):
                found = fit
        if found is None:
            break
        if best is not None:
            gain = found.alignment.score - best.alignment.score
            if gain < _GAIN * (len(best.pronunciation.ids) - len(found.pronunciation.ids)):
                break
        best, kept = found, found.morae
    if best is None:
        return None
    # Almost anything fits what is left of a text without what does not fit: each phone left out costs.
    phones = len(best.pronunciation.ids)
    return replace(best, quality=best.quality - _OMISSION_COST * (len(whole.ids) - phones) / phones)


def _runs(whole: Pronunciation, kept: tuple[int, ...]) -> Iterator[frozenset[int]]:
    """The morae of every run of words among those that are kept."""
    morae = whole.reference.morae
    words: list[list[int]] = []
    for mora in kept:
        if words and morae[words[-1][0]].word == morae[mora].word:
            words[-1].append(mora)
        else:
            words.append([mora])
    for first in range(len(words)):
        run: list[int] = []
        for word in words[first : first + _MOST_WORDS]:
            run.extend(word)
            if len(run) < len(kept):
                yield frozenset(run)


def morae_read(transitions: Transitions, states: Chain, phones: Table, whole: Pronunciation) -> int:
    """How many morae of the beginning of a text were read: the end that explains the whole recording best.

    Args:
        transitions: the evidence.
        states: the text's chain.
        phones: the best scores of its phones, as `forward` gives them.
        whole: the text.

    Returns:
        0 to the number of morae.
    """
    silence = np.concatenate([[0.0], np.cumsum(states.stays)])
    rest = silence[-1] - silence[1:]
    best, read = float(phones[0, 0] + silence[-1]) - _OMISSION_COST * (len(whole.ids) - 2), 0
    for mora, (_, end) in enumerate(whole.spans):
        phone = end - 1
        if mora == len(whole.spans) - 1:
            score = float(phones[-1, -1])
        elif whole.phones[phone] == "cl":
            continue
        else:
            falling_silent = transitions.moves[:, whole.ids[phone], PAUSE_ID]
            score = float(np.max(phones[:-1, phone] + falling_silent + rest, initial=IMPOSSIBLE))
            score = max(score, float(phones[-1, phone]))
        # What is unread costs as what is left out elsewhere: a sound that is not heard is no learner who stops.
        score -= _OMISSION_COST * (len(whole.ids) - 1 - end)
        if score > best:
            best, read = score, mora + 1
    return read


def gather(
    transitions: Transitions,
    heard: HeardPhones,
    fit: Fit,
    biases: Mapping[Confusion, float],
    doubt: float,
    prior_weight: float,
) -> Evidence:
    """Measures the rest about the text that fits best.

    Args:
        biases, doubt: as in `explain`.
        prior_weight: as in `measure_lengths`.
    """
    explanation = explain(transitions, fit.pronunciation, fit.alignment, biases, doubt)
    return Evidence(fit, explanation, measure_lengths(fit.pronunciation, explanation, prior_weight), heard)
