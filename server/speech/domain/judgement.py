"""From what was measured to what was right and wrong: sounds, words, accuracy, completeness."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from server.speech.domain.assessment import AudioSpan, ErrorKind, Insertion, MoraJudgement, WordJudgement
from server.speech.domain.confusions import Confusion
from server.speech.domain.evidence import Evidence
from server.speech.domain.lengths import Held, Unit
from server.speech.domain.morae import split_morae
from server.speech.domain.parameters import AssessmentParameters, LengthParameters, LengthWeights
from server.speech.domain.phones import spell
from server.speech.domain.reference import Reference
from server.speech.domain.transitions import FRAME

_KINDS = {
    Confusion.VOWEL: ErrorKind.SUBSTITUTION,
    Confusion.PALATAL: ErrorKind.SUBSTITUTION,
    Confusion.TYPICAL_CONSONANT: ErrorKind.SUBSTITUTION,
    Confusion.OTHER_CONSONANT: ErrorKind.SUBSTITUTION,
    Confusion.VOICING: ErrorKind.VOICING,
    Confusion.NASAL_LOST: ErrorKind.NASAL,
    Confusion.NASAL_ADDED: ErrorKind.NASAL,
    Confusion.NASAL_MERGED: ErrorKind.NASAL,
    Confusion.GEMINATE_LOST: ErrorKind.GEMINATE,
    Confusion.MORA_OMITTED: ErrorKind.OMISSION,
    Confusion.WORD_OMITTED: ErrorKind.OMISSION,
}
_LEAST_INSERTED = 2
"""Morae of sound in a pause that count as something said; less is breath, a click or an echo."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """What speaks against a mora.

    Attributes:
        odds: natural log odds that it is wrong.
        error: what would be wrong.
        heard: what was said instead, in kana.
        ratio: its length over the expected one, where that is what is wrong.
    """

    odds: float
    error: ErrorKind
    heard: str
    ratio: float | None = None

    @property
    def wrong(self) -> float:
        """The probability that it is wrong, 0 to 1."""
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, self.odds))))


@dataclass(frozen=True, slots=True)
class Judgement:
    """How the sounds of a text were said.

    Attributes:
        morae: every mora of the text.
        words: every word of the text.
        insertions: what was said beside it.
        doubts: what speaks most against each mora; None for those that were not read.
        reached: how many morae there are up to the last that was read.
        accuracy: 0 to 100, of what was said.
        completeness: 0 to 100.
    """

    morae: tuple[MoraJudgement, ...]
    words: tuple[WordJudgement, ...]
    insertions: tuple[Insertion, ...]
    doubts: tuple[Doubt | None, ...]
    reached: int
    accuracy: float
    completeness: float


def judge(evidence: Evidence, reference: Reference, parameters: AssessmentParameters, seconds: float) -> Judgement:
    """Judges a reading.

    Args:
        evidence: what was measured, on the beginning of the text that was read.
        reference: the whole text.
        parameters: the figures.
        seconds: how long the recording is.
    """
    doubts: list[Doubt | None] = [None] * evidence.fit.total
    for mora, doubt in zip(evidence.fit.morae, _doubts(evidence, parameters), strict=True):
        doubts[mora] = doubt
    morae = _morae(evidence, reference, doubts, parameters, seconds)
    insertions = _insertions(evidence, seconds)
    words = _words(reference, morae, doubts, insertions)
    gate = evidence.share(parameters.gate, parameters.sounds.doubt)
    missing = {i for i, word in enumerate(words) if word.error is ErrorKind.OMISSION and word.span is None}
    said = [mora for mora in morae if mora.word not in missing]
    accuracy = sum(mora.score for mora in said) / max(1, len(said) + len(insertions))
    completeness = 100 * len(said) / len(morae)
    return Judgement(
        morae, words, insertions, tuple(doubts), evidence.fit.reached, accuracy * gate, completeness * gate
    )


def _doubts(evidence: Evidence, parameters: AssessmentParameters) -> list[Doubt]:
    """What speaks most against each mora that was read: another sound, or a wrong length."""
    explanation, sounds = evidence.explanation, parameters.sounds
    found: list[Doubt] = []
    for mora, kana in enumerate(evidence.fit.pronunciation.reference.kana):
        confusion = explanation.confusions[mora]
        odds = (sounds.centre - float(explanation.margins[mora])) / sounds.scale
        error = _KINDS[confusion] if confusion is not None else ErrorKind.NONE
        heard = spell(explanation.said[mora]) if confusion is not Confusion.NASAL_MERGED else ""
        found.append(Doubt(odds, error, heard if heard != kana else ""))
    if evidence.lengths is None:
        return found
    for index, unit in enumerate(evidence.lengths.units):
        if not evidence.lengths.reliable[index]:
            continue
        mora, doubt = _length_doubt(evidence, unit, index, parameters.lengths)
        if doubt.odds > found[mora].odds:
            found[mora] = doubt
    return found


def _length_doubt(evidence: Evidence, unit: Unit, index: int, parameters: LengthParameters) -> tuple[int, Doubt]:
    lengths = evidence.lengths
    if lengths is None:
        raise ValueError("Nothing was measured.")
    ratio = float(lengths.ratios[index])
    vowel = unit.held is Held.VOWEL
    kana = evidence.fit.pronunciation.reference.kana
    if unit.long:
        mora = unit.last_mora if vowel else unit.first_mora
        weights = parameters.long_vowel_shortened if vowel else parameters.geminate_lost
        heard, strength = "", -ratio
    else:
        mora = unit.first_mora
        weights = parameters.short_vowel_lengthened if vowel else parameters.geminate_added
        heard, strength = (f"{kana[mora]}ー" if vowel else f"ッ{kana[mora]}"), ratio
        if vowel and lengths.phrase_final[index]:
            strength -= parameters.phrase_final
    # Against few others of its kind even right lengths differ.
    strength -= parameters.few_others / (1 + int(lengths.support[index]))
    likelihood = -float(evidence.explanation.length_ratios[mora])
    odds = length_odds(strength, likelihood, weights, parameters.ratio_limit)
    kind = ErrorKind.LENGTH if vowel else ErrorKind.GEMINATE
    return mora, Doubt(odds, kind, heard, math.exp(ratio))


def length_odds(strength: float, likelihood: float, weights: LengthWeights, limit: float) -> float:
    """Natural log odds of a wrong length.

    Args:
        strength: natural logarithm of how much too long (a short sound) or too short (a long one) it was.
        likelihood: log-likelihood ratio of the wrong length against the right one.
        weights: of the two.
        limit: the likelihood ratio counts up to this either way.
    """
    return weights.ratio * strength + weights.likelihood * max(-limit, min(limit, likelihood)) + weights.bias


def _morae(
    evidence: Evidence,
    reference: Reference,
    doubts: Sequence[Doubt | None],
    parameters: AssessmentParameters,
    seconds: float,
) -> tuple[MoraJudgement, ...]:
    judged: list[MoraJudgement] = []
    fit, explanation, delay = evidence.fit, evidence.explanation, parameters.spans.delay
    durations = fit.pronunciation.durations
    places = {whole: part for part, whole in enumerate(fit.morae)}
    for whole, (expected, doubt) in enumerate(zip(reference.morae, doubts, strict=True)):
        if doubt is None:
            judged.append(MoraJudgement(expected.kana, "", 0.0, ErrorKind.OMISSION, expected.word, confidence=1.0))
            continue
        mora = places[whole]
        first, end = fit.pronunciation.spans[mora]
        start, stop = int(explanation.onsets[first]), int(explanation.ends[end - 1])
        wrong = doubt.wrong >= parameters.scores.telling and doubt.error is not ErrorKind.NONE
        kind = doubt.error if wrong else ErrorKind.NONE
        silent = kind is ErrorKind.OMISSION and not doubt.heard
        expected_seconds = None
        if durations is not None and evidence.lengths is not None:
            expected_seconds = float(durations[first:end].sum() * math.exp(evidence.lengths.rate))
        judged.append(
            MoraJudgement(
                expected.kana,
                doubt.heard if wrong else expected.kana,
                100 * (1 - doubt.wrong),
                kind,
                expected.word,
                None if silent or stop <= start else _span(start, stop, delay, seconds),
                doubt.wrong if wrong else None,
                fit.pronunciation.phones[first:end],
                evidence.heard.between(start, stop),
                expected_seconds,
            )
        )
    return tuple(judged)


def _span(start: int, end: int, delay: float, seconds: float) -> AudioSpan:
    """Frames as seconds within the recording."""
    return AudioSpan(min(max(0.0, start * FRAME - delay), seconds), min(max(0.0, end * FRAME - delay), seconds))


def _insertions(evidence: Evidence, seconds: float) -> tuple[Insertion, ...]:
    """Speech where the text has a pause, before it or after it."""
    alignment, text = evidence.explanation.alignment, evidence.fit.pronunciation
    onsets, ends = evidence.explanation.onsets, evidence.explanation.ends
    frames = len(evidence.heard.frame_scores)
    stretches = [(0, 0, int(onsets[1]))]
    for mora in range(1, len(text.spans)):
        stretches.append((mora, int(ends[text.spans[mora - 1][1] - 1]), int(onsets[text.spans[mora][0]])))
    stretches.append((len(text.spans), int(ends[-2]), frames))
    found: list[Insertion] = []
    if alignment.score == 0.0:
        return ()
    for mora, start, stop in stretches:
        # The phones beside the pause begin and end a frame or two off.
        heard = spell(evidence.heard.between(start + 3, stop - 3))
        if len(split_morae(heard)) >= _LEAST_INSERTED:
            before = evidence.fit.morae[mora] if mora < len(text.spans) else evidence.fit.reached
            found.append(Insertion(before, heard, ErrorKind.INSERTION, _span(start, stop, 0.0, seconds)))
    return tuple(found)


def _words(
    reference: Reference,
    morae: Sequence[MoraJudgement],
    doubts: Sequence[Doubt | None],
    insertions: Sequence[Insertion],
) -> tuple[WordJudgement, ...]:
    words: list[WordJudgement] = []
    first = 0
    for index, word in enumerate(reference.words):
        count = sum(mora.word == index for mora in morae)
        own = morae[first : first + count]
        inside = sum(first < sound.before_mora < first + count for sound in insertions)
        faulty = [i for i in range(first, first + count) if morae[i].error is not ErrorKind.NONE]
        error, confidence = ErrorKind.NONE, None
        if faulty:
            worst = max(faulty, key=lambda i: math.inf if (doubt := doubts[i]) is None else doubt.odds)
            error, confidence = morae[worst].error, morae[worst].confidence
        elif inside:
            error = ErrorKind.INSERTION
        left_out = all(mora.error is ErrorKind.OMISSION and mora.span is None for mora in own)
        spans = [mora.span for mora in own if mora.span is not None]
        words.append(
            WordJudgement(
                word,
                first,
                count,
                sum(mora.score for mora in own) / (count + inside),
                ErrorKind.OMISSION if left_out else error,
                None if left_out or not spans else AudioSpan(spans[0].start, spans[-1].end),
                confidence,
            )
        )
        first += count
    return tuple(words)
