"""The assessor: hears phones, finds the text among them and judges each sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from server.speech.domain.alignment import align
from server.speech.domain.assessment import Assessment, Scores, UnassessableReason, Versions
from server.speech.domain.bandwidth import is_narrow, widen
from server.speech.domain.denoising import denoise, speech_over_noise
from server.speech.domain.evidence import Evidence, Fit, fit_text, gather
from server.speech.domain.explanation import Explanation, doubts
from server.speech.domain.findings import findings
from server.speech.domain.hearing import Heard, fluency_score, obstacle, voice_fluency
from server.speech.domain.judgement import judge
from server.speech.domain.parameters import AssessmentParameters
from server.speech.domain.phone_loop import HeardPhones, listen
from server.speech.domain.pronunciation import Pronunciation
from server.speech.domain.prosody.pitch import track
from server.speech.domain.prosody.reading import judge_fluency, judge_prosody
from server.speech.domain.reference import Reference
from server.speech.domain.transitions import Transitions
from server.speech.ports import SAMPLE_RATE, AcousticModel, Computation, Pronunciations, Samples

_CLEAR = 8.0
"""Margin from which on a mora is not looked at a second time: nothing of it would be told, and its score is full."""


@dataclass(frozen=True, slots=True)
class _View:
    """The evidence of one front end, and the text that fits it best.

    Attributes:
        index: of that text.
    """

    transitions: Transitions
    heard: HeardPhones
    fit: Fit
    index: int


class PhonemeAssessor:
    """Judges utterances with a phoneme-transition model.

    Args:
        model: hears phones.
        pronunciations: how texts sound.
        threads: where everything is computed.
        parameters: the figures.
    """

    def __init__(
        self,
        model: AcousticModel,
        pronunciations: Pronunciations,
        threads: Computation,
        parameters: AssessmentParameters,
    ) -> None:
        self._model = model
        self._pronunciations = pronunciations
        self._threads = threads
        self._parameters = parameters

    async def assess(
        self, references: Sequence[Reference], heard: Heard, samples: Samples, *, speech_model: str, analyzer: str
    ) -> Assessment:
        """Judges an utterance; as the port says."""
        versions = Versions(self._parameters.recipe, speech_model, analyzer, self._model.version)
        reason = obstacle(heard, self._parameters.speech)
        if reason is not None:
            return Assessment(versions, reason=reason)
        if not references:
            fluency = voice_fluency(heard, len(heard.morae), self._parameters.fluency)
            return Assessment(
                versions, scores=Scores(fluency=fluency_score(fluency, self._parameters.fluency)), fluency=fluency
            )
        texts = [await self._pronunciations.of(reference) for reference in references]
        return await self._threads.final(lambda: self.judge(texts, heard, samples, versions))

    def judge(self, texts: Sequence[Pronunciation], heard: Heard, samples: Samples, versions: Versions) -> Assessment:
        """Judges an utterance against texts, in the calling thread."""
        given = self._parameters
        found = self.measure(texts, samples)
        if found is None:
            return Assessment(versions, reason=UnassessableReason.OTHER_CONTENT)
        index, evidence = found
        reference = texts[index].reference
        unheard = evidence.heard.count < given.gate.least_heard * (len(evidence.fit.pronunciation.ids) - 2)
        poor = evidence.share(given.gate, given.sounds.doubt) == 0.0 or len(evidence.fit.morae) < given.gate.least_read
        if unheard or (poor and evidence.fit.total >= given.gate.telling_morae):
            return Assessment(versions, reason=UnassessableReason.OTHER_CONTENT)
        seconds = len(samples) / SAMPLE_RATE
        judgement = judge(evidence, reference, given, seconds)
        rhythm = judge_fluency(evidence, given.rhythm)
        fluency, smooth = rhythm or (voice_fluency(heard, len(evidence.fit.morae), given.fluency), None)
        prosody, melodious = judge_prosody(track(samples, SAMPLE_RATE), evidence.fit, given.accent)
        overall = judgement.accuracy * judgement.completeness / 100
        for share, score in ((given.scores.fluency_share, smooth), (given.scores.prosody_share, melodious)):
            if score is not None:
                overall *= 1 - share + share * score / 100
        return Assessment(
            versions,
            scores=Scores(
                overall=overall,
                accuracy=judgement.accuracy,
                fluency=smooth,
                completeness=judgement.completeness,
                prosody=melodious,
            ),
            matched_answer=index if len(texts) > 1 else None,
            reference_text=reference.text,
            reference_english=reference.english,
            words=judgement.words,
            morae=judgement.morae,
            insertions=judgement.insertions,
            fluency=fluency,
            findings=findings(
                judgement,
                fluency,
                smooth,
                prosody.accents,
                given,
                seconds=seconds,
                sure=(heard.confidence or 0.0) >= given.scores.praise_confidence,
            ),
            prosody=prosody,
        )

    def measure(self, texts: Sequence[Pronunciation], samples: Samples) -> tuple[int, Evidence] | None:
        """Measures how a recording fits the best of some texts, in the calling thread.

        Returns:
            The index of that text and the evidence; None where nothing of any of them was said.
        """
        given = self._parameters
        if is_narrow(samples, SAMPLE_RATE, given.front_end.narrow_db):
            samples = widen(samples, SAMPLE_RATE, given.front_end.widening)
        view = self._look(samples, texts)
        doubtful = view is None or view.fit.quality < given.front_end.good_fit
        if doubtful and speech_over_noise(samples) < given.front_end.clean_db:
            cleaned = self._look(denoise(samples, given.front_end.floor, given.front_end.excess), texts)
            if view is None or (cleaned is not None and cleaned.fit.quality > view.fit.quality):
                view = cleaned
        if view is None:
            return None
        evidence = gather(
            view.transitions,
            view.heard,
            view.fit,
            given.sounds.biases,
            given.sounds.doubt,
            given.lengths.prior_weight,
        )
        short = len(samples) <= given.front_end.short_seconds * SAMPLE_RATE
        for speed in given.front_end.short_speeds if short else given.front_end.speeds:
            if evidence.explanation.margins.min(initial=0.0) < given.sounds.doubt:
                evidence = replace(evidence, explanation=self._look_again(samples, evidence, speed))
        return view.index, evidence

    def _look_again(self, samples: Samples, evidence: Evidence, speed: float) -> Explanation:
        """What was said, each mora as right as the better of two looks says."""
        given = self._parameters
        transitions = self._model.transitions(samples, speed)
        text = evidence.fit.pronunciation
        alignment = align(transitions, text.ids)
        if alignment is None:
            return evidence.explanation
        doubtful = [int(mora) for mora in np.flatnonzero(evidence.explanation.margins < _CLEAR)]
        other = doubts(transitions, text, alignment, given.sounds.biases, doubtful)
        return evidence.explanation.or_better(other, given.sounds.doubt)

    def _look(self, samples: Samples, texts: Sequence[Pronunciation]) -> _View | None:
        transitions = self._model.transitions(samples)
        heard = listen(transitions)
        gate = self._parameters.gate
        fits = [
            (index, fit_text(transitions, heard, text, gate.omissions_below, gate.worst_phone))
            for index, text in enumerate(texts)
        ]
        views = [_View(transitions, heard, fit, index) for index, fit in fits if fit is not None]
        # All of them explain the same recording from its beginning to its end, so their probabilities compare.
        return max(views, key=lambda view: (view.fit.alignment.score, -view.index), default=None)
