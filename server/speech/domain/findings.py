"""What is worth telling a learner, most useful first."""

from __future__ import annotations

import math
from collections.abc import Sequence

from server.speech.domain.assessment import (
    AccentPhraseJudgement,
    AudioSpan,
    ErrorKind,
    Finding,
    Fluency,
    MoraJudgement,
    WordJudgement,
)
from server.speech.domain.judgement import Doubt, Judgement
from server.speech.domain.morae import becomes_voiced
from server.speech.domain.parameters import AssessmentParameters

Parameter = tuple[str, str | int | float]


def findings(
    judgement: Judgement,
    fluency: Fluency,
    smooth: float | None,
    accents: Sequence[AccentPhraseJudgement],
    parameters: AssessmentParameters,
    *,
    seconds: float,
    sure: bool,
) -> tuple[Finding, ...]:
    """One finding a faulty word, the surest first; then the whole; praise when there is nothing and that is sure.

    Args:
        judgement: of the sounds.
        fluency, smooth: rate and pauses, and their score; None where it could not be computed.
        accents: of the phrases.
        parameters: the figures.
        seconds: how long the recording is.
        sure: whether a reading without errors may be praised.
    """
    read = judgement.reached
    found: list[tuple[float, Finding]] = []
    for word in judgement.words:
        if word.error in {ErrorKind.NONE, ErrorKind.INSERTION} or word.first_mora >= read:
            continue
        odds = max(_odds(judgement.doubts[i]) for i in range(word.first_mora, word.first_mora + word.mora_count))
        found.append((odds, _of_word(word, judgement, parameters, seconds)))
    found.sort(key=lambda item: -item[0])
    results = [finding for _, finding in found]
    results += _of_accents(accents, judgement.words, parameters, seconds)
    if read < len(judgement.morae):
        told: tuple[Parameter, ...] = (("morae_read", read), ("morae_total", len(judgement.morae)))
        results.insert(0, Finding("incomplete", told, ErrorKind.OMISSION, False))
    results += [
        Finding(
            "sound_inserted",
            (*_around(judgement.words, sound.before_mora), ("heard", sound.heard)),
            ErrorKind.INSERTION,
            False,
            evidence=_widened(sound.span, parameters, seconds),
        )
        for sound in judgement.insertions
    ]
    results += _of_fluency(fluency, smooth, parameters)
    if not results and sure:
        return (Finding("well_done", (), ErrorKind.NONE, False),)
    most = parameters.scores.most_to_work_on
    return tuple(
        Finding(f.key, f.parameters, f.error, i < most, f.first_mora, f.mora_count, f.confidence, f.evidence)
        for i, f in enumerate(results)
    )


def _odds(doubt: Doubt | None) -> float:
    """How much speaks against a mora; nothing could speak louder than that it was not said."""
    return math.inf if doubt is None else doubt.odds


def _around(words: Sequence[WordJudgement], mora: int) -> tuple[Parameter, ...]:
    """The word before which, or in which, something stands; the last one for what stands after it."""
    word = next((w for w in words if mora < w.first_mora + w.mora_count), words[-1])
    return ("word", word.word.text), ("reading", word.word.reading)


def _of_accents(
    accents: Sequence[AccentPhraseJudgement],
    words: Sequence[WordJudgement],
    parameters: AssessmentParameters,
    seconds: float,
) -> list[Finding]:
    """What strong evidence there is for wrong accents, the surest first."""
    wrong = [one for one in accents if one.wrong and one.heard is not None and one.accepted_probability is not None]
    wrong.sort(key=lambda one: one.accepted_probability or 0.0)
    return [
        Finding(
            "accent_wrong",
            (
                *_around(words, one.first_mora),
                ("expected_nucleus", one.accepted[0]),
                ("heard_nucleus", one.heard or 0),
            ),
            ErrorKind.ACCENT,
            False,
            one.first_mora,
            one.mora_count,
            1 - (one.accepted_probability or 0.0),
            _widened(one.span, parameters, seconds),
        )
        for one in wrong
    ]


def _of_fluency(fluency: Fluency, smooth: float | None, parameters: AssessmentParameters) -> list[Finding]:
    if smooth is None or smooth >= parameters.fluency.told_below:
        return []
    if fluency.pauses:
        return [Finding("too_many_pauses", (("pauses", len(fluency.pauses)),), ErrorKind.UNEXPECTED_BREAK, False)]
    rate = round(fluency.morae_per_second, 2)
    return [Finding("too_slow", (("morae_per_second", rate),), ErrorKind.NONE, False)]


def _of_word(word: WordJudgement, judgement: Judgement, parameters: AssessmentParameters, seconds: float) -> Finding:
    common: tuple[Parameter, ...] = (("word", word.word.text), ("reading", word.word.reading))
    place = (word.first_mora, word.mora_count)
    if word.error is ErrorKind.OMISSION and word.span is None:
        return Finding("word_omitted", common, ErrorKind.OMISSION, True, *place, word.confidence)
    faulty = [
        i
        for i in range(word.first_mora, word.first_mora + word.mora_count)
        if judgement.morae[i].error is not ErrorKind.NONE
    ]
    worst = max(faulty, key=lambda i: _odds(judgement.doubts[i]))
    mora, doubt = judgement.morae[worst], judgement.doubts[worst]
    ratio = None if doubt is None else doubt.ratio
    key, details = _told(mora, ratio)
    evidence = _widened(mora.span or word.span, parameters, seconds)
    return Finding(key, (*common, *details), mora.error, True, worst, 1, mora.confidence, evidence)


def _told(mora: MoraJudgement, ratio: float | None) -> tuple[str, tuple[Parameter, ...]]:
    held: tuple[Parameter, ...] = () if ratio is None else (("ratio", round(ratio, 2)),)
    both: tuple[Parameter, ...] = (("expected", mora.kana), ("heard", mora.heard))
    match mora.error:
        case ErrorKind.LENGTH:
            return ("long_vowel_shortened" if mora.kana == "ー" or not mora.heard else "short_vowel_lengthened"), held
        case ErrorKind.GEMINATE:
            return ("geminate_added" if mora.heard else "geminate_lost"), held
        case ErrorKind.NASAL:
            return ("nasal_lost" if mora.kana == "ン" else "nasal_added"), both
        case ErrorKind.VOICING:
            return ("voicing_added" if becomes_voiced(mora.kana, mora.heard) else "voicing_lost"), both
        case ErrorKind.OMISSION:
            return "sound_omitted", (("expected", mora.kana),)
        case _:
            return "sound_substituted", both


def _widened(span: AudioSpan | None, parameters: AssessmentParameters, seconds: float) -> AudioSpan | None:
    """A span with a little before and after, so that there is something to hear."""
    if span is None:
        return None
    margin = parameters.spans.evidence_margin
    return AudioSpan(max(0.0, span.start - margin), min(seconds, span.end + margin))
