"""The prosody of a reading whose sounds have been found: accents, melody, rhythm."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.assessment import AccentPhraseJudgement, AudioSpan, Fluency, Prosody, Semitones
from server.speech.domain.evidence import Evidence, Fit
from server.speech.domain.pronunciation import Pronunciation
from server.speech.domain.prosody.accent import AccentParameters, judge_accents
from server.speech.domain.prosody.contour import mora_pitch, rhyme_pitch
from server.speech.domain.prosody.pitch import FRAMES_A_SECOND, PitchTrack
from server.speech.domain.prosody.rhythm import FluencyParameters, Rhythm, fluency_score, measure_rhythm
from server.speech.domain.transitions import FRAME

Floats = NDArray[np.float64]

_DIGITS = 2
"""Of semitones that are kept: a hundredth is more than anyone hears."""


def judge_prosody(track: PitchTrack, fit: Fit, parameters: AccentParameters) -> tuple[Prosody, float | None]:
    """Judges accents and describes the melody.

    Args:
        track: the pitch of the recording.
        fit: where what was read of the text was said.
        parameters: for accents.

    Returns:
        The prosody, and its score from 0 to 100: the mean of the phrases' scores by their morae, None when none could
        be judged. The accents of a text that was read in part are not judged.
    """
    text, alignment = fit.pronunciation, fit.alignment
    starts, ends = _mora_times(text, alignment.onsets, alignment.ends)
    accents = _accents(rhyme_pitch(track, text, alignment), text, starts, ends, parameters)
    weights = [phrase.mora_count for phrase in accents if phrase.score is not None]
    scores = [phrase.score for phrase in accents if phrase.score is not None]
    reference = _reference_track(text)
    others: dict[int, Semitones] = {}
    curve: Semitones = ()
    if reference is not None and text.onsets is not None and text.durations is not None:
        reference_starts, reference_ends = _mora_times(text, text.onsets, text.onsets + text.durations, 1.0)
        others = dict(zip(fit.morae, _rows(mora_pitch(reference, reference_starts, reference_ends)), strict=True))
        curve = _moved(reference, (reference_starts, reference_ends), (starts, ends), len(track.hertz))
    own = dict(zip(fit.morae, _rows(mora_pitch(track, starts, ends)), strict=True))
    nothing: Semitones = (None, None, None)
    prosody = Prosody(
        accents,
        _values(track.semitones),
        track.median,
        curve,
        tuple(own.get(mora, nothing) for mora in range(fit.total)),
        tuple(others.get(mora, nothing) for mora in range(fit.total)) if others else (),
    )
    return prosody, float(np.average(scores, weights=weights)) if scores else None


def judge_fluency(evidence: Evidence, parameters: FluencyParameters) -> tuple[Fluency, float | None] | None:
    """Rate, pauses, and a score from 0 to 100, which is None for what is too short to have a rhythm.

    Returns:
        None when nothing was said.
    """
    found = rhythm_of(evidence, parameters)
    if found is None:
        return None
    rhythm, morae = found
    return _fluency(rhythm, morae), fluency_score(rhythm, parameters)


def rhythm_of(evidence: Evidence, parameters: FluencyParameters) -> tuple[Rhythm, tuple[int, ...]] | None:
    """The rhythm of what was said of a text, and which morae of the text that is; None when nothing was."""
    text, said = evidence.fit.pronunciation, evidence.explanation
    starts, ends = _mora_times(text, said.onsets, said.ends)
    spoken = ends > starts
    if not spoken.any():
        return None
    may_pause = [bool(one) for one in _may_pause(text)[spoken]]
    found = measure_rhythm(starts[spoken], ends[spoken], may_pause, parameters.shortest_pause)
    return None if found is None else (found, tuple(np.array(evidence.fit.morae)[spoken].tolist()))


def _fluency(found: Rhythm, morae: Sequence[int]) -> Fluency:
    pauses = tuple(
        type(pause)(
            pause.start, pause.end, None if pause.after_mora is None else morae[pause.after_mora], pause.expected
        )
        for pause in found.pauses
    )
    return Fluency(found.morae_per_second, found.articulation_rate, found.pause_ratio, found.speech_duration, pauses)


def _may_pause(text: Pronunciation) -> NDArray[np.bool_]:
    """For each mora whether one may pause after it: at the end of a phrase, or of a word where phrases are unknown."""
    count = len(text.spans)
    allowed = np.zeros(count, bool)
    if text.phrases:
        allowed[[end - 1 for end in accumulate(phrase.mora_count for phrase in text.phrases)]] = True
    else:
        words = [mora.word for mora in text.reference.morae]
        allowed[[i for i in range(count) if i + 1 == count or words[i] != words[i + 1]]] = True
    return allowed


def _accents(
    contour: Floats, text: Pronunciation, starts: Floats, ends: Floats, parameters: AccentParameters
) -> tuple[AccentPhraseJudgement, ...]:
    phrases = [(phrase.first_mora, phrase.mora_count, phrase.accepted) for phrase in text.phrases]
    found: list[AccentPhraseJudgement] = []
    for phrase, judged in zip(text.phrases, judge_accents(contour, phrases, text.melody, parameters), strict=True):
        last = phrase.first_mora + phrase.mora_count - 1
        span = AudioSpan(float(starts[phrase.first_mora]), float(ends[last]))
        place = AccentPhraseJudgement(phrase.first_mora, phrase.mora_count, phrase.accepted, span)
        found.append(
            place
            if judged is None
            else AccentPhraseJudgement(
                phrase.first_mora,
                phrase.mora_count,
                phrase.accepted,
                span,
                judged.heard,
                judged.heard_probability,
                judged.accepted_probability,
                judged.wrong,
                judged.score,
            )
        )
    return tuple(found)


def _mora_times(
    text: Pronunciation, onsets: NDArray[np.generic], ends: NDArray[np.generic], unit: float = FRAME
) -> tuple[Floats, Floats]:
    """Seconds at which each mora begins and ends."""
    first = np.array([start for start, _ in text.spans])
    last = np.array([end - 1 for _, end in text.spans])
    return np.asarray(onsets, np.float64)[first] * unit, np.asarray(ends, np.float64)[last] * unit


def _reference_track(text: Pronunciation) -> PitchTrack | None:
    if text.f0 is None or not (text.f0 > 0).any():
        return None
    return PitchTrack(np.where(text.f0 > 0, text.f0, np.nan))


def _moved(reference: PitchTrack, theirs: tuple[Floats, Floats], ours: tuple[Floats, Floats], frames: int) -> Semitones:
    """The reference's curve in the learner's time: each mora is stretched onto the learner's; nothing in pauses."""
    semitones = reference.semitones
    times = (np.arange(frames) + 0.5) / FRAMES_A_SECOND
    curve = np.full(frames, np.nan)
    for start, end, begin, stop in zip(*theirs, *ours, strict=True):
        inside = np.flatnonzero((times >= begin) & (times < stop))
        if len(inside):
            place = (times[inside] - begin) / (stop - begin)
            taken = np.floor((start + place * (end - start)) * FRAMES_A_SECOND).astype(int)
            curve[inside] = semitones[np.clip(taken, 0, len(semitones) - 1)]
    return _values(curve)


def _rows(table: Floats) -> list[Semitones]:
    return [_values(row) for row in table]


def _values(row: Floats) -> Semitones:
    return tuple(None if np.isnan(value) else round(float(value), _DIGITS) for value in row)
