"""What the library hands out: plain frozen values, with no protobuf in them.

Times in a recording are whole milliseconds from its first sample. Scores are 0 to 100. None stands where the server
could not tell. Names of kinds are the contract's, in lower case (`no_speech`, `substitution`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class User:
    """An account."""

    id: str
    email: str
    username: str
    role: str
    level: int
    native_language: str
    time_zone: str
    create_time: datetime | None
    day_turn_hour: int = 4
    voice_retention_days: int = 0
    active: bool = True
    verified: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in on a device; `current` is the one that asked."""

    id: str
    device_name: str
    user_agent: str
    create_time: datetime
    refresh_time: datetime
    expire_time: datetime
    current: bool


JOB_KINDS = ("import", "export", "deletion", "audio_batch", "optimization", "simulation", "rescoring")
JOB_STATES = ("queued", "running", "cancelling", "succeeded", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class JobFailure:
    """Why a job failed: the contract's reason, the server's words, and the values that belong to the reason."""

    reason: str
    message: str
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """A piece of background work.

    Attributes:
        done, total: units done and units in all; `total` is None while that is not known.
        stage: what it is doing, such as `export.packing`.
        result: what came of it, by the contract's names; None until it has succeeded, and in lists.
    """

    id: str
    kind: str
    state: str
    done: int
    total: int | None
    stage: str
    subject_id: str
    attempts: int
    max_attempts: int
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    expire_time: datetime | None
    failure: JobFailure | None
    result: Mapping[str, object] | None

    @property
    def final(self) -> bool:
        """Whether it stays as it is."""
        return self.state in {"succeeded", "failed", "cancelled"}


@dataclass(frozen=True, slots=True)
class Archive:
    """The archive of an export. `sha256` is its digest in hexadecimal, `file_name` a name to save it under."""

    job_id: str
    file_name: str
    size_bytes: int
    sha256: str
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class ConfigEntry:
    """A setting that administrators change while the server runs."""

    key: str
    value: str
    description: str
    public: bool
    update_time: datetime
    updated_by: str


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence to learn and to read aloud."""

    id: str
    japanese: str
    reading: str
    english: str
    difficulty: int | None
    jlpt_level: str | None
    tags: tuple[str, ...]
    has_audio: bool
    visibility: str
    author: str
    licence: str


@dataclass(frozen=True, slots=True)
class ReferenceMora:
    """A mora of what is to be read; `text_offset` and `text_length` count code points of the text."""

    mora: str
    text_offset: int
    text_length: int


@dataclass(frozen=True, slots=True)
class Reference:
    """What is to be read, as the server reads it."""

    text: str
    reading: str
    english: str
    morae: tuple[ReferenceMora, ...]


@dataclass(frozen=True, slots=True)
class TranscriptSegment:
    """A piece of a transcript."""

    text: str
    reading: str
    confidence: float | None
    language: str
    start_ms: int | None
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said; empty where nobody spoke."""

    text: str
    reading: str
    confidence: float | None
    language: str
    segments: tuple[TranscriptSegment, ...]


@dataclass(frozen=True, slots=True)
class Transcription:
    """The transcript of a file."""

    transcript: Transcript
    audio_ms: int
    speech_model: str


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores from 0 to 100; None where one could not be computed."""

    overall: float | None = None
    accuracy: float | None = None
    fluency: float | None = None
    completeness: float | None = None
    prosody: float | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """How a word was said. `error` is None where it was not judged and `none` where it was right."""

    text: str
    reading: str
    score: float | None
    error: str | None
    start_ms: int | None
    end_ms: int | None
    first_mora: int
    mora_count: int


@dataclass(frozen=True, slots=True)
class Mora:
    """How a mora was said. `error` is None where it was not judged and `none` where it was right."""

    mora: str
    score: float | None
    error: str | None
    expected: str
    heard: str
    start_ms: int | None
    end_ms: int | None
    word: int


@dataclass(frozen=True, slots=True)
class Insertion:
    """Something that was said before mora `before_mora` and does not belong there."""

    before_mora: int
    heard: str
    start_ms: int | None
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class AccentPhrase:
    """How the pitch of a phrase was said; a nucleus is the mora after which the pitch drops, 0 is flat."""

    text: str
    expected_nucleus: int
    heard_nucleus: int | None
    heard_probability: float | None
    error: str | None
    score: float | None
    first_mora: int
    mora_count: int


@dataclass(frozen=True, slots=True)
class Fluency:
    """Rate and pauses."""

    morae_per_second: float | None
    articulation_rate: float | None
    pause_ratio: float | None
    speech_ms: int | None
    pauses: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """A named value of a finding or notice: text, number, count, or a length of time in milliseconds."""

    name: str
    text: str | None = None
    number: float | None = None
    count: int | None = None
    duration_ms: int | None = None

    @property
    def value(self) -> str | float | int | None:
        """The value, whichever it is; None when the server sent a kind that this client does not know."""
        for value in (self.text, self.number, self.count, self.duration_ms):
            if value is not None:
                return value
        return None


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth telling the learner. `kaiwa_client.phrases` puts it in English."""

    key: str
    parameters: tuple[Parameter, ...]
    error: str | None
    work_on: bool
    confidence: float | None
    first_mora: int | None
    mora_count: int
    start_ms: int | None
    end_ms: int | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """How well something was said. When it could not be judged, `reason` says why and the rest is empty."""

    assessable: bool
    reason: str | None
    scores: Scores
    reference: Reference | None
    matched_answer: int | None
    words: tuple[Word, ...]
    morae: tuple[Mora, ...]
    insertions: tuple[Insertion, ...]
    accent_phrases: tuple[AccentPhrase, ...]
    fluency: Fluency | None
    findings: tuple[Finding, ...]
    recipe: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """A stored attempt. In lists, its transcript has no segments and its assessment only the scores."""

    id: str
    practice_id: str
    speaking_session_id: str
    sentence_id: str
    reference_text: str
    purpose: str
    transcript: Transcript
    assessment: Assessment | None
    audio_ms: int
    audio_kept: bool
    create_time: datetime | None
