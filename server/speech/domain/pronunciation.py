"""How a text sounds when it is read right: its phones, their lengths, its accents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.phones import PAUSE, VOWELS, mora_phones, phone_ids
from server.speech.domain.prosody.accent import Melody
from server.speech.domain.reference import Reference


@dataclass(frozen=True, slots=True)
class AccentPhrase:
    """Morae that are said under one accent.

    Attributes:
        first_mora: index of its first mora in the reference.
        mora_count: how many it has, 1 or more.
        nucleus: the mora after which the pitch drops, from 1; 0 is flat.
        accepted: every nucleus that is right, `nucleus` first.
    """

    first_mora: int
    mora_count: int
    nucleus: int
    accepted: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Pronunciation:
    """A reference as sound.

    Attributes:
        reference: the text with its words and morae.
        phones: names as the analyser gives them, devoiced vowels in capitals; `pau` at both ends, none between: one
            may pause after any mora that ends in a vowel or N.
        ids: their ids, devoiced vowels folded.
        spans: for each mora of the reference the index of its first phone and that after its last.
        durations: seconds of each phone as Open JTalk says it, the pauses at the ends included; None where unknown.
        phrases: accent phrases in order, which together hold every mora; empty where unknown.
        f0: the reference voice's fundamental frequency in Hz every 10 ms on the time axis of `durations` (the sum of
            the durations before a phone is its onset), 0 where voiceless; None where unknown.
        melody: the reference voice's, for every accent that the phrases could have; None where unknown.
    """

    reference: Reference
    phones: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    durations: NDArray[np.float64] | None = None
    phrases: tuple[AccentPhrase, ...] = ()
    f0: NDArray[np.float64] | None = None
    melody: Melody | None = None
    ids: NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        """Checks that morae and phones belong together.

        Raises:
            ValueError: they don't.
        """
        inner = len(self.phones) - 2
        if self.phones[:1] != (PAUSE,) or self.phones[-1:] != (PAUSE,) or PAUSE in self.phones[1:-1]:
            raise ValueError("Phones have a pause at both ends and nowhere else.")
        if len(self.spans) != len(self.reference.morae) or inner < 1:
            raise ValueError(f"{len(self.reference.morae)} morae have {len(self.spans)} runs of phones.")
        if (
            self.spans[0][0] != 1
            or self.spans[-1][1] != inner + 1
            or any(a[1] != b[0] for a, b in pairwise(self.spans))
        ):
            raise ValueError("The runs of phones don't follow each other.")
        if self.durations is not None and len(self.durations) != len(self.phones):
            raise ValueError(f"{len(self.phones)} phones have {len(self.durations)} durations.")
        if self.phrases and sum(phrase.mora_count for phrase in self.phrases) != len(self.spans):
            raise ValueError("The accent phrases don't hold every mora once.")
        object.__setattr__(self, "ids", phone_ids(self.phones))

    @property
    def onsets(self) -> NDArray[np.float64] | None:
        """Seconds at which each phone begins in the reference voice."""
        if self.durations is None:
            return None
        return np.concatenate([[0.0], np.cumsum(self.durations)[:-1]])

    def mora_of(self, phone: int) -> int:
        """The mora that a phone belongs to; of the leading pause -1, of the last one the number of morae."""
        if phone <= 0:
            return -1
        return next((i for i, (_, end) in enumerate(self.spans) if phone < end), len(self.spans))

    def of(self, morae: Sequence[int]) -> Pronunciation:
        """A part of it, as if the text had no other morae.

        Args:
            morae: which are kept, one or more, ascending. Accent phrases and pitch are left out.
        """
        if len(morae) == len(self.spans):
            return self
        spans: list[tuple[int, int]] = []
        chosen: list[int] = [0]
        for mora in morae:
            first, end = self.spans[mora]
            spans.append((len(chosen), len(chosen) + end - first))
            chosen.extend(range(first, end))
        chosen.append(len(self.phones) - 1)
        whole = self.reference
        part = Reference(whole.text, whole.words, tuple(whole.morae[mora] for mora in morae), whole.english)
        durations = None if self.durations is None else self.durations[chosen]
        return Pronunciation(part, tuple(self.phones[i] for i in chosen), tuple(spans), durations)


def group_morae(phones: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """The runs of phones that make one mora each: an optional consonant with a vowel, N, or cl.

    Args:
        phones: with or without pauses, which belong to no mora.
    """
    found: list[tuple[int, int]] = []
    start = 0
    for index, name in enumerate(phones):
        if name in {PAUSE, "sil"}:
            start = index + 1
        elif name.lower() in VOWELS or name in {"N", "cl"}:
            found.append((start, index + 1))
            start = index + 1
    return tuple(found)


def spelled_pronunciation(reference: Reference) -> Pronunciation:
    """How a reference sounds going by its kana alone: without lengths and accents.

    Raises:
        ValueError: a mora can't be said.
    """
    phones: list[str] = [PAUSE]
    spans: list[tuple[int, int]] = []
    for mora in reference.morae:
        own = mora_phones(mora.kana, phones[-1].lower())
        if not own:
            raise ValueError(f"The mora {mora.kana} has no sound.")
        spans.append((len(phones), len(phones) + len(own)))
        phones.extend(own)
    return Pronunciation(reference, (*phones, PAUSE), tuple(spans))
