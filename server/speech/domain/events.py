"""What a practice tells its client, in order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from server.speech.domain.assessment import Assessment, AudioSpan
from server.speech.domain.reference import Reference, TextSpan
from server.speech.domain.session import EndCause


class NoticeKind(StrEnum):
    """What a notice is about."""

    AUDIO_TOO_QUIET = "audio_too_quiet"
    CLIPPING = "clipping"
    NOISY = "noisy"
    NEAR_LIMIT = "near_limit"
    UTTERANCE_CUT = "utterance_cut"
    TOKEN_EXPIRING = "token_expiring"  # noqa: S105 - a name, no secret
    FALLING_BEHIND = "falling_behind"
    RESUMED = "resumed"
    DRAINING = "draining"
    ASSESSMENT_UNAVAILABLE = "assessment_unavailable"
    SAVING_DELAYED = "saving_delayed"
    AUDIO_NOT_KEPT = "audio_not_kept"
    DAILY_LIMIT_NEAR = "daily_limit_near"


class SuggestedRating(StrEnum):
    """The rating of a review that an assessment suggests."""

    AGAIN = "again"
    HARD = "hard"
    GOOD = "good"
    EASY = "easy"


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for a practice; seconds and bytes.

    Attributes:
        audio_left_today: None where there is no daily limit.
    """

    longest_chunk_bytes: int
    recommended_chunk: float
    longest_utterance: float
    idle_timeout: float
    streams_per_user: int
    audio_left_today: float | None
    resume_window: float
    pushes_in_flight: int


@dataclass(frozen=True, slots=True)
class Ready:
    """The practice is accepted and audio may flow from `resume_offset` on."""

    practice_id: str
    resume_offset: int
    limits: Limits
    reference: Reference | None


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """Speech was heard for the first time, `start` seconds into the audio."""

    start: float


@dataclass(frozen=True, slots=True)
class PitchPoint:
    """A point of a pitch curve.

    Attributes:
        time: seconds in the recording.
        semitones: above the median so far; None where the voice has no pitch.
    """

    time: float
    semitones: float | None


@dataclass(frozen=True, slots=True)
class Partial:
    """What has been heard so far; the morae are None without a single reference, the pitch is what is new of it."""

    stable_text: str
    unstable_text: str
    morae_read: int | None = None
    morae_total: int | None = None
    pitch: tuple[PitchPoint, ...] = ()


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """No more audio is taken; `speech_end` is None when nobody spoke."""

    cause: EndCause
    speech_end: float | None


@dataclass(frozen=True, slots=True)
class TranscriptSegment:
    """A piece of a transcript.

    Attributes:
        text, reading: what was said and how it is pronounced.
        audio: where it stands in the recording.
        place: where it stands in the transcript's text.
        confidence: 0 to 1; None when not computed.
        language: BCP 47 tag; empty when unclear.
    """

    text: str
    reading: str
    audio: AudioSpan
    place: TextSpan
    confidence: float | None
    language: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said, decoded freely from the whole utterance."""

    text: str = ""
    reading: str = ""
    confidence: float | None = None
    language: str = ""
    segments: tuple[TranscriptSegment, ...] = ()


@dataclass(frozen=True, slots=True)
class Assessed:
    """How well it was said."""

    assessment: Assessment
    at: datetime
    reference: Reference | None


@dataclass(frozen=True, slots=True)
class Saved:
    """The attempt is stored."""

    attempt_id: str
    suggested_rating: SuggestedRating | None
    audio_kept: bool
    attempt_number: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the learner or the client had better know; seconds, shares, decibels or counts by name."""

    kind: NoticeKind
    parameters: tuple[tuple[str, int | float], ...] = ()


Event = Ready | SpeechStarted | Partial | SpeechEnded | Transcript | Assessed | Saved | Notice


@dataclass(frozen=True, slots=True)
class Numbered:
    """An event as it goes out.

    Attributes:
        sequence: from 1, rising by 1 on each stream and through its resumptions.
        audio_offset: seconds of audio processed when it was made.
        event: the event.
    """

    sequence: int
    audio_offset: float
    event: Event
