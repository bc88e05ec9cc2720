"""How long sounds were held, against the reference voice and the speaker's own rate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.confusions import VOICELESS
from server.speech.domain.explanation import Explanation
from server.speech.domain.phones import VOWELS
from server.speech.domain.pronunciation import Pronunciation
from server.speech.domain.transitions import FRAME


class Held(StrEnum):
    """What is held."""

    VOWEL = "vowel"
    CLOSURE = "closure"


@dataclass(frozen=True, slots=True)
class Unit:
    """A vowel with those that lengthen it, or a voiceless consonant with the geminate before it.

    Attributes:
        held: which of the two.
        first_mora, last_mora: the morae that it spans; the same where it is short.
        first, end: its phones, by index.
    """

    held: Held
    first_mora: int
    last_mora: int
    first: int
    end: int

    @property
    def long(self) -> bool:
        """Whether it is to be long."""
        return self.last_mora > self.first_mora


def units(pronunciation: Pronunciation) -> tuple[Unit, ...]:
    """What is held in a text, in order."""
    found: list[Unit] = []
    phones, spans = pronunciation.phones, pronunciation.spans
    for mora, (first, end) in enumerate(spans):
        vowel = phones[end - 1]
        if vowel in VOWELS and not (end - first == 1 and phones[first - 1].lower() == vowel):
            last, stop = mora, end
            while last + 1 < len(spans) and phones[stop : spans[last + 1][1]] == (vowel,):
                last, stop = last + 1, spans[last + 1][1]
            found.append(Unit(Held.VOWEL, mora, last, end - 1, stop))
        if end - first == 2 and phones[first] in VOICELESS:
            long = phones[first - 1] == "cl"
            found.append(Unit(Held.CLOSURE, mora - long, mora, first - long, end - 1))
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class Lengths:
    """How long the units were.

    Attributes:
        units: what was measured.
        seconds: (units,) how long each was.
        ratios: (units,) natural logarithm of that over its length in the reference voice at the speaker's rate: 0 is
            right, 0.7 twice as long.
        reliable: (units,) whether it can be judged: not where speech ends or pauses, where everything is longer, nor
            at the very beginning, where a closure can't be told from the silence before it, nor where a sound was left
            out.
        support: (units,) how many reliable others of its kind each was held against.
        phrase_final: (units,) whether an accent phrase ends with it.
        rate: natural logarithm of how much slower than the reference voice the speaker is, by all units.
    """

    units: tuple[Unit, ...]
    seconds: NDArray[np.float64]
    ratios: NDArray[np.float64]
    reliable: NDArray[np.bool_]
    support: NDArray[np.intp]
    phrase_final: NDArray[np.bool_]
    rate: float


def measure_lengths(pronunciation: Pronunciation, said: Explanation, prior_weight: float) -> Lengths | None:
    """Measures what is held.

    The rate that a unit is held against is the median of the others of its kind, drawn towards that of all others where
    there are few: a unit that is wrong must not set its own standard.

    Args:
        pronunciation: with lengths.
        said: where its phones were said.
        prior_weight: how many units the rate of all counts for against those of the same kind.

    Returns:
        None where the pronunciation has no lengths or nothing is held.
    """
    found = units(pronunciation)
    if pronunciation.durations is None or not found:
        return None
    after_pause = said.onsets[1:] > said.ends[:-1]
    frames = np.array([np.sum((said.ends - said.onsets)[u.first : u.end]) for u in found])
    expected = np.array([pronunciation.durations[u.first : u.end].sum() for u in found])
    # The phone after a pause, and the first and the last of all, have no neighbour to be told apart from.
    pause_before = np.concatenate([[True, True], after_pause[1:]])
    pause_after = np.concatenate([after_pause[:-1], [True, True]])
    last = {phrase.first_mora + phrase.mora_count - 1 for phrase in pronunciation.phrases}
    # A particle of one mora at the end of a phrase is where speakers think.
    words = [mora.word for mora in pronunciation.reference.morae]
    particles = {mora for mora in last if words.count(words[mora]) == 1}
    reliable = np.array(
        [
            not pause_after[u.first : u.end].any()
            and not (u.held is Held.CLOSURE and pause_before[u.first])
            and not (u.held is Held.VOWEL and u.last_mora in particles)
            and not any(said.wrong[m] and not said.said[m] for m in range(u.first_mora, u.last_mora + 1))
            for u in found
        ]
    )
    raw = np.log(np.maximum(frames, 1) * FRAME / expected)
    kinds = np.array([u.held is Held.VOWEL for u in found])
    own = np.arange(len(found))
    ratios = np.empty(len(found))
    support = np.zeros(len(found), np.intp)
    for i in own:
        others = reliable & (own != i)
        general = float(np.median(raw[others])) if others.any() else 0.0
        # Where there are few others, the reference voice's own rate has a say.
        general *= others.sum() / (others.sum() + 1)
        same = others & (kinds == kinds[i])
        rate = float(np.median(raw[same])) if same.any() else general
        support[i] = same.sum()
        weight = same.sum() / (same.sum() + prior_weight)
        ratios[i] = raw[i] - (weight * rate + (1 - weight) * general)
    final = np.array([u.last_mora in last for u in found])
    overall = float(np.median(raw[reliable])) if reliable.any() else 0.0
    return Lengths(found, np.maximum(frames, 1) * FRAME, ratios, reliable, support, final, overall)
