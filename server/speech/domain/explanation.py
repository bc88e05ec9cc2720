"""What was said in place of what, found step by step.

One wrong sound makes its neighbours look wrong too: a lost mora squeezes those beside it. So the surest errors are
taken first and put into the text; whatever was only their echo is right against the text as it was said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.alignment import Alignment, chain, forward, trace
from server.speech.domain.confusions import LENGTHS, Alternative, Confusion, alternatives, omitted_words
from server.speech.domain.likelihood import ratios
from server.speech.domain.phones import PAUSE, phone_ids
from server.speech.domain.pronunciation import Pronunciation
from server.speech.domain.transitions import Transitions

T = TypeVar("T")

NO_DOUBT = 30.0
"""The margin of what has nothing against it; larger ones mean no more."""

_ROUNDS = 4
_REACH = 2
"""Morae on either side of an error that it can make look wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What was said, mora by mora.

    Attributes:
        margins: (morae,) how much likelier each mora is than the likeliest other sound in its place, in nats, each kind
            of confusion shifted by its bias; below 0 the other is likelier.
        confusions: what the likeliest other would be.
        said: the phones of that.
        wrong: (morae,) whether it was taken for what was said.
        length_ratios: (morae,) log-likelihood ratio against the sound too long (short ones) or too short (long ones);
            NO_DOUBT where there is none.
        onsets, ends: (phones,) frames at which each phone of the text begins and ends, with the errors put right;
            those of what was left out are empty.
        alignment: of what was said.
    """

    margins: NDArray[np.float64]
    confusions: tuple[Confusion | None, ...]
    said: tuple[tuple[str, ...], ...]
    wrong: NDArray[np.bool_]
    length_ratios: NDArray[np.float64]
    onsets: NDArray[np.intp]
    ends: NDArray[np.intp]
    alignment: Alignment

    def or_better(self, other: Doubts, doubt: float) -> Explanation:
        """The same with each mora as right as the better of two looks says; places and lengths stay."""
        better = other.margins > self.margins
        return replace(
            self,
            margins=np.maximum(self.margins, other.margins),
            confusions=_chosen(better, other.confusions, self.confusions),
            said=_chosen(better, other.said, self.said),
            wrong=self.wrong & (np.maximum(self.margins, other.margins) < doubt),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Doubts:
    """What speaks against some morae in one look at them, echoes included.

    Attributes:
        margins: (morae,) as of an explanation; infinitely low where no look was taken.
        confusions, said: as of an explanation.
    """

    margins: NDArray[np.float64]
    confusions: tuple[Confusion | None, ...]
    said: tuple[tuple[str, ...], ...]


def _chosen(better: NDArray[np.bool_], one: tuple[T, ...], other: tuple[T, ...]) -> tuple[T, ...]:
    return tuple(a if choose else b for choose, a, b in zip(better, one, other, strict=True))


@dataclass(slots=True)
class _Edited:
    """A text with errors put in: each mora's phones, and which are still as they should be."""

    phones: list[tuple[str, ...]]
    untouched: list[bool]

    def flat(self) -> tuple[tuple[str, ...], list[tuple[int, int]]]:
        names: list[str] = [PAUSE]
        spans: list[tuple[int, int]] = []
        for own in self.phones:
            spans.append((len(names), len(names) + len(own)))
            names.extend(own)
        return (*names, PAUSE), spans


def explain(
    transitions: Transitions,
    text: Pronunciation,
    alignment: Alignment,
    biases: Mapping[Confusion, float],
    doubt: float,
) -> Explanation:
    """Finds what was said in place of what.

    Args:
        transitions: the evidence.
        text: what was to be said.
        alignment: its alignment.
        biases: added to the ratio against each kind of confusion: how much likelier that has to be.
        doubt: margin below which another sound is taken for what was said.
    """
    count = len(text.spans)
    found = _Findings(count)
    edited = _Edited([text.phones[first:end] for first, end in text.spans], [True] * count)
    names, spans = text.phones, list(text.spans)
    check: Sequence[int] = range(count)
    for number in range(_ROUNDS):
        states = chain(transitions, phone_ids(names))
        if number:
            alignment = trace(states, *forward(states))
        candidates = [*alternatives(names, spans, check), *(omitted_words(text) if number == 0 else ())]
        found.take(candidates, ratios(transitions, states, alignment, candidates), biases, check)
        accepted = found.surest(doubt, edited.untouched)
        if not accepted or number == _ROUNDS - 1 or transitions.frames <= len(names) + 8:
            break
        near: set[int] = set()
        for alternative in accepted:
            reach = range(alternative.mora, alternative.mora + alternative.morae)
            merged = alternative.confusion is Confusion.NASAL_MERGED
            for mora in reach:
                edited.phones[mora] = alternative.phones if mora == alternative.mora else ()
                edited.untouched[mora] = False
            if merged and alternative.mora + 1 < count:
                edited.phones[alternative.mora + 1] = ()
                edited.untouched[alternative.mora + 1] = False
            near.update(range(reach.start - _REACH, reach.stop + _REACH))
        names, spans = edited.flat()
        check = [mora for mora in sorted(near) if 0 <= mora < count and edited.untouched[mora]]
        if not check:
            states = chain(transitions, phone_ids(names))
            alignment = trace(states, *forward(states))
            break
    return found.explanation(text, edited, spans, alignment)


def doubts(
    transitions: Transitions,
    text: Pronunciation,
    alignment: Alignment,
    biases: Mapping[Confusion, float],
    morae: Sequence[int],
) -> Doubts:
    """Looks at some morae once.

    Args:
        transitions: the evidence.
        text: what was to be said.
        alignment: its alignment.
        biases: as in `explain`.
        morae: which are looked at.
    """
    found = _Findings(len(text.spans))
    candidates = [*alternatives(text.phones, text.spans, morae), *omitted_words(text)]
    against = ratios(transitions, chain(transitions, text.ids), alignment, candidates)
    found.take(candidates, against, biases, morae)
    return found.doubts(morae)


class _Findings:
    """The best confusion of each mora so far."""

    def __init__(self, count: int) -> None:
        self._margins = np.full(count, NO_DOUBT)
        self._best: list[Alternative | None] = [None] * count
        self._lengths = np.full(count, NO_DOUBT)
        self._wrong = np.zeros(count, bool)
        self._words: list[tuple[float, Alternative]] = []

    def take(
        self,
        candidates: Sequence[Alternative],
        found: NDArray[np.float64],
        biases: Mapping[Confusion, float],
        check: Sequence[int],
    ) -> None:
        for mora in check:
            self._margins[mora], self._best[mora], self._lengths[mora] = NO_DOUBT, None, NO_DOUBT
        self._words = []
        for alternative, ratio in zip(candidates, found, strict=True):
            margin = float(ratio) + biases.get(alternative.confusion, 0.0)
            mora = alternative.mora
            if alternative.confusion is Confusion.WORD_OMITTED:
                self._words.append((margin, alternative))
            elif alternative.confusion in LENGTHS:
                self._lengths[mora] = min(self._lengths[mora], float(ratio))
                if alternative.confusion is Confusion.GEMINATE_LOST and margin < self._margins[mora]:
                    self._margins[mora], self._best[mora] = margin, alternative
            elif margin < self._margins[mora]:
                self._margins[mora], self._best[mora] = margin, alternative

    def surest(self, doubt: float, untouched: Sequence[bool]) -> list[Alternative]:
        """Errors that are surer than all around them, and so independent; they count as wrong from now."""
        accepted: list[Alternative] = []
        for margin, word in sorted(self._words, key=lambda item: item[0]):
            own = slice(word.mora, word.mora + word.morae)
            # A word is missing where no sound of it is explained better on its own.
            if margin < doubt and margin < float(np.min(self._margins[own])) and not self._wrong[own].any():
                self._margins[own] = margin
                self._wrong[own] = True
                for mora in range(word.mora, word.mora + word.morae):
                    self._best[mora] = word
                accepted.append(word)
        for mora in np.argsort(self._margins, kind="stable"):
            best = self._best[mora]
            if self._margins[mora] >= doubt or best is None:
                break
            if self._wrong[mora] or not untouched[mora] or self._near(int(mora), accepted):
                continue
            self._wrong[mora] = True
            accepted.append(best)
        return accepted

    def _near(self, mora: int, accepted: Sequence[Alternative]) -> bool:
        return any(a.mora - 1 <= mora <= a.mora + a.morae for a in accepted)

    def doubts(self, morae: Sequence[int]) -> Doubts:
        """What speaks against some morae, words left out among it."""
        for margin, word in self._words:
            for mora in range(word.mora, word.mora + word.morae):
                if margin < self._margins[mora]:
                    self._margins[mora], self._best[mora] = margin, word
        looked = np.full(len(self._margins), -np.inf)
        looked[list(morae)] = self._margins[list(morae)]
        return Doubts(looked, self._confusions(), self._said())

    def _confusions(self) -> tuple[Confusion | None, ...]:
        return tuple(None if best is None else best.confusion for best in self._best)

    def _said(self) -> tuple[tuple[str, ...], ...]:
        return tuple(
            () if best is None or best.confusion is Confusion.WORD_OMITTED else best.phones for best in self._best
        )

    def explanation(
        self, text: Pronunciation, edited: _Edited, spans: Sequence[tuple[int, int]], alignment: Alignment
    ) -> Explanation:
        onsets = np.zeros(len(text.phones), np.intp)
        ends = np.zeros(len(text.phones), np.intp)
        for (first, end), (now_first, now_end), same in zip(text.spans, spans, edited.untouched, strict=True):
            if same:
                onsets[first:end] = alignment.onsets[now_first:now_end]
                ends[first:end] = alignment.ends[now_first:now_end]
            else:
                # Its first and last phone mark the stretch; nothing was said where both are the next one's beginning.
                begin = alignment.onsets[now_first] if now_end > now_first else alignment.ends[now_first - 1]
                stop = alignment.ends[now_end - 1] if now_end > now_first else begin
                onsets[first], ends[end - 1] = begin, stop
                onsets[first + 1 : end] = ends[first : end - 1] = (begin + stop) // 2
        onsets[-1], ends[-1] = alignment.onsets[-1], alignment.ends[-1]
        ends[0] = alignment.ends[0]
        return Explanation(
            self._margins,
            self._confusions(),
            self._said(),
            self._wrong,
            self._lengths,
            onsets,
            ends,
            alignment,
        )
