"""The judgement of one utterance. What could not be computed is None, never 0."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from server.speech.domain.prosody.rhythm import Pause
from server.speech.domain.reference import ReadWord, Reference, ReferenceMora


class UnassessableReason(StrEnum):
    """Why an utterance could not be judged."""

    NO_SPEECH = "no_speech"
    TOO_SHORT = "too_short"
    TOO_NOISY = "too_noisy"
    OTHER_CONTENT = "other_content"
    OTHER_LANGUAGE = "other_language"
    CLIPPED = "clipped"


class ErrorKind(StrEnum):
    """What kind of error a sound or a word has."""

    NONE = "none"
    OMISSION = "omission"
    INSERTION = "insertion"
    SUBSTITUTION = "substitution"
    LENGTH = "length"
    GEMINATE = "geminate"
    NASAL = "nasal"
    VOICING = "voicing"
    ACCENT = "accent"
    UNEXPECTED_BREAK = "unexpected_break"


@dataclass(frozen=True, slots=True)
class AudioSpan:
    """A stretch of a recording, in seconds from its first sample."""

    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores from 0 to 100; None where they could not be computed."""

    overall: float | None = None
    accuracy: float | None = None
    fluency: float | None = None
    completeness: float | None = None
    prosody: float | None = None


@dataclass(frozen=True, slots=True)
class MoraJudgement:
    """How one mora of the reference was said.

    Attributes:
        kana: what was expected.
        heard: what was heard in its place; empty when it was left out.
        score: 0 to 100.
        error: its error; NONE when right.
        word: index of its word.
        span: where it was said; None when it was left out.
        confidence: how sure the error is, 0 to 1; None without one.
        expected_phones, heard_phones: names as the acoustic model has them; heard ones in its stretch of audio.
        expected_seconds: how long it should have been at the speaker's own rate; None where unknown.
    """

    kana: str
    heard: str
    score: float
    error: ErrorKind
    word: int
    span: AudioSpan | None = None
    confidence: float | None = None
    expected_phones: tuple[str, ...] = ()
    heard_phones: tuple[str, ...] = ()
    expected_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class WordJudgement:
    """How one word was said.

    Attributes:
        word: the word of the reference.
        first_mora: index of its first mora.
        mora_count: how many it has.
        score: 0 to 100, the mean of its morae and of what was put into it.
        error: its gravest error.
        span: where it was said; None when it was left out.
        confidence: how sure the error is, 0 to 1; None without one.
    """

    word: ReadWord
    first_mora: int
    mora_count: int
    score: float
    error: ErrorKind
    span: AudioSpan | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Insertion:
    """Something said that does not belong there.

    Attributes:
        before_mora: the mora before which it was said; the number of morae means after the last.
        heard: what was heard, katakana.
        error: GEMINATE, LENGTH or NASAL where that is what was added, else INSERTION.
        span: where it was said; None when not known.
        confidence: how sure it is, 0 to 1; None when not computed.
    """

    before_mora: int
    heard: str
    error: ErrorKind
    span: AudioSpan | None = None
    confidence: float | None = None


@dataclass(frozen=True, slots=True)
class Fluency:
    """Rate and pauses.

    Attributes:
        morae_per_second: from first to last sound, pauses included.
        articulation_rate: without the pauses.
        pause_ratio: share of that time that is pauses, 0 to 1.
        speech_duration: from first to last sound, seconds.
        pauses: between the first and the last sound, in order.
    """

    morae_per_second: float
    articulation_rate: float
    pause_ratio: float
    speech_duration: float
    pauses: tuple[Pause, ...]


@dataclass(frozen=True, slots=True)
class AccentPhraseJudgement:
    """How the accent of one phrase was said. A nucleus is the mora after which the pitch drops, from 1; 0 is flat.

    Attributes:
        first_mora, mora_count: its morae.
        accepted: every nucleus that is right, the one that is shown first.
        span: where it was said; None when it was left out.
        heard: the likeliest nucleus; None when it could not be judged, and so are those below.
        heard_probability: of that one, 0 to 1.
        accepted_probability: that one of the accepted was said, 0 to 1.
        wrong: whether there is strong evidence for a wrong accent.
        score: 0 to 100.
    """

    first_mora: int
    mora_count: int
    accepted: tuple[int, ...]
    span: AudioSpan | None = None
    heard: int | None = None
    heard_probability: float | None = None
    accepted_probability: float | None = None
    wrong: bool | None = None
    score: float | None = None


Semitones = tuple[float | None, ...]
"""Relative to a median; None where there is no pitch."""


@dataclass(frozen=True, slots=True)
class Prosody:
    """Accents and melody.

    Attributes:
        accents: the accent phrases in order.
        learner: the pitch every 10 ms, from the middle of the first on, relative to the learner's median.
        learner_median: hertz; None when no pitch was found.
        reference: the reference voice's pitch, moved in time mora by mora onto the learner's; empty when unknown.
        mora_pitch, reference_mora_pitch: of each mora its beginning, middle and end; empty when unknown.
    """

    accents: tuple[AccentPhraseJudgement, ...] = ()
    learner: Semitones = ()
    learner_median: float | None = None
    reference: Semitones = ()
    mora_pitch: tuple[Semitones, ...] = ()
    reference_mora_pitch: tuple[Semitones, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth telling the learner; clients phrase it from the key and the parameters.

    Attributes:
        key: message key, as listed in the contract.
        parameters: name and value of each parameter: text, count or number by the value's type.
        error: the kind of error; NONE for praise.
        work_on: whether it is one of the few things to work on now.
        first_mora, mora_count: the morae concerned; None for findings about the whole.
        confidence: how sure it is, 0 to 1; None when not computed.
        evidence: where it can be heard; None when there is nothing to hear.
    """

    key: str
    parameters: tuple[tuple[str, str | int | float], ...]
    error: ErrorKind
    work_on: bool
    first_mora: int | None = None
    mora_count: int | None = None
    confidence: float | None = None
    evidence: AudioSpan | None = None


@dataclass(frozen=True, slots=True)
class Versions:
    """What produced an assessment."""

    recipe: str
    speech_model: str
    analyzer: str
    acoustic_model: str = ""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The judgement of one utterance; with `reason` set nothing else but the versions is.

    Attributes:
        versions: what produced it.
        reason: why it could not be judged; None when it could.
        matched_answer: index of the accepted answer that was given; None without such.
        reference_text: what it was judged against; empty for free speech.
        reference_english: the same in English; empty when unknown.
    """

    versions: Versions
    reason: UnassessableReason | None = None
    scores: Scores = Scores()
    matched_answer: int | None = None
    reference_text: str = ""
    reference_english: str = ""
    words: tuple[WordJudgement, ...] = ()
    morae: tuple[MoraJudgement, ...] = ()
    insertions: tuple[Insertion, ...] = ()
    fluency: Fluency | None = None
    findings: tuple[Finding, ...] = ()
    prosody: Prosody | None = None

    @property
    def assessable(self) -> bool:
        """Whether the utterance could be judged."""
        return self.reason is None

    @property
    def reference(self) -> Reference | None:
        """What it was judged against; None for free speech and where it could not be judged."""
        if not self.reference_text:
            return None
        morae = tuple(ReferenceMora(mora.kana, mora.word) for mora in self.morae)
        return Reference(self.reference_text, tuple(word.word for word in self.words), morae, self.reference_english)
