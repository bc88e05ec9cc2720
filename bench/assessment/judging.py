"""Judges clips with the product's assessor."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bench.assessment.clips import Clip
from server.adapters.domino.network import DominoNetwork
from server.adapters.domino.weights import find_weights
from server.adapters.openjtalk.pronunciation import pronounce
from server.speech.domain.assessment import Assessment, Versions
from server.speech.domain.endpointing import Segment
from server.speech.domain.evidence import Evidence
from server.speech.domain.hearing import Heard, SignalQuality
from server.speech.domain.progress import ReadingProgress
from server.speech.domain.pronunciation import Pronunciation
from server.speech.domain.prosody.pitch import track
from server.speech.domain.reference import Reference
from server.speech.domain.transitions import FRAME
from server.speech.parameters import assessment_parameters
from server.speech.phoneme_assessor import PhonemeAssessor
from server.speech.ports import SAMPLE_RATE, Samples

T = TypeVar("T")

_STEP = 0.2
"""Seconds between two looks at a reading that goes on."""


class _NoThreads:
    """Computes at once: measuring has nothing else to do."""

    async def final(self, work: Callable[[], T]) -> T:
        return work()

    async def passing(self, work: Callable[[], T]) -> T:
        return work()


class _NoPronunciations:
    async def of(self, reference: Reference) -> Pronunciation:
        return pronounce(reference)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A clip with what the product says about it.

    Attributes:
        clip: what was said.
        assessment: of it.
        seconds: that judging took.
    """

    clip: Clip
    assessment: Assessment
    seconds: float


class Judge:
    """The assessor with its model, and the pronunciations it has built.

    Nothing is recognised: the transcript is taken to be the text, so only the phoneme model can refuse what is not.
    """

    def __init__(self) -> None:
        weights = find_weights("domino")
        self.model = DominoNetwork(weights.file, name=weights.name)
        self.parameters = assessment_parameters()
        self._assessor = PhonemeAssessor(self.model, _NoPronunciations(), _NoThreads(), self.parameters)
        self._known: dict[tuple[str, str], Pronunciation] = {}

    def pronunciation(self, reference: Reference) -> Pronunciation:
        """How a reference sounds."""
        key = (reference.text, reference.reading)
        if key not in self._known:
            self._known[key] = pronounce(reference, lambda samples: np.nan_to_num(track(samples, SAMPLE_RATE).hertz))
        return self._known[key]

    def assess(self, samples: Samples, reference: Reference) -> Assessment:
        """Judges a recording against a text."""
        whole = Segment(0.0, len(samples) / SAMPLE_RATE)
        heard = Heard(reference.text, reference.kana, "ja", (whole,), SignalQuality(0.0, None), 1.0)
        return self._assessor.judge([self.pronunciation(reference)], heard, samples, Versions("", "", ""))

    def measured(self, samples: Samples, reference: Reference) -> Evidence | None:
        """What is measured of a recording before anything is judged; None where the text was not said."""
        found = self._assessor.measure([self.pronunciation(reference)], samples)
        return None if found is None else found[1]

    def judged(self, clip: Clip, samples: Samples | None = None) -> Judged:
        """Judges a clip against its sentence, or other samples in its place."""
        sound = clip.take().samples if samples is None else samples
        reference = clip.sentence.reference()
        self.pronunciation(reference)
        began = time.perf_counter()
        assessment = self.assess(sound, reference)
        return Judged(clip, assessment, time.perf_counter() - began)

    def followed(self, clip: Clip) -> list[tuple[float, int]]:
        """Where the product sees a reading that goes on: at which second, how many morae."""
        samples = clip.take().samples
        progress = ReadingProgress(self.pronunciation(clip.sentence.reference()))
        found = []
        for until in np.arange(_STEP, len(samples) / SAMPLE_RATE + _STEP, _STEP).tolist():
            window = samples[round(progress.window_start * FRAME * SAMPLE_RATE) : round(until * SAMPLE_RATE)]
            found.append((until, progress.advance(self.model.transitions(window))))
        return found
