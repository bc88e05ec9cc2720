"""The events of a practice, in the order in which a learner would see them."""

from __future__ import annotations

from dataclasses import dataclass

from kaiwa_client.models import Assessment, Parameter, Reference, Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What every event has.

    Attributes:
        sequence: the server's count of the events of this practice.
        audio_offset_ms: how much audio had been processed when the event was made.
        received: when it arrived, in seconds of the client's monotonic clock.
    """

    sequence: int
    audio_offset_ms: int
    received: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What holds for a practice; times in milliseconds, None for no limit or an unknown one."""

    longest_chunk_bytes: int
    longest_utterance_ms: int | None
    idle_timeout_ms: int | None
    streams_per_user: int
    audio_left_today_ms: int | None
    resume_window_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready(Event):
    """The practice is accepted; audio begins to flow. `reference` is None for free speech."""

    practice_id: str
    limits: Limits
    reference: Reference | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechStarted(Event):
    """Speech was heard for the first time, at `start_ms` of the audio."""

    start_ms: int


@dataclass(frozen=True, slots=True)
class Impression:
    """A first impression of the mora at this index of the reference, 0 to 100."""

    mora: int
    score: float


@dataclass(frozen=True, slots=True)
class PitchPoint:
    """The pitch at `time_ms` of the audio, above the speaker's median so far; None where the voice has none."""

    time_ms: int
    semitones: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Partial(Event):
    """What has been heard so far: `stable_text` is never taken back, `unstable_text` may change.

    `morae_read` of `morae_total` morae of the reference have been read; None without a reference. `pitch` is what is
    new of it since the partial before.
    """

    stable_text: str
    unstable_text: str
    morae_read: int | None
    morae_total: int | None
    impressions: tuple[Impression, ...]
    pitch: tuple[PitchPoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechEnded(Event):
    """No more audio is taken; `speech_end_ms` is None when nobody spoke."""

    cause: str
    speech_end_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscriptReady(Event):
    """What was said: final."""

    transcript: Transcript


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentReady(Event):
    """How well it was said."""

    assessment: Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved(Event):
    """The attempt is stored. Always the last event."""

    attempt_id: str
    suggested_rating: str | None
    audio_kept: bool
    attempt_number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Event):
    """Something to know meanwhile: `kind` is the contract's in lower case (`audio_too_quiet`, `resumed`)."""

    kind: str
    parameters: tuple[Parameter, ...]
