"""Speech: audio files, speaking sessions, and the attempts made in them."""

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from server.adapters.postgres.tables.base import (
    Base,
    Count,
    Id,
    Instant,
    Json,
    PrimaryId,
    Small,
    Texts,
    in_range,
    not_negative,
    one_of,
)

SCORES = ("overall", "accuracy", "fluency", "completeness", "prosody")


class AudioFileRow(Base):
    """An object in the object store: a user's recording, a sentence's recordings, or generated speech.

    `user_id` is set for a learner's own voice only, which goes with their account. A sentence's recordings stand in
    the order of `position`. `morae` is the JSON array of mora timings, null where none are known.
    """

    __tablename__ = "audio_files"

    id: Mapped[PrimaryId]
    object_key: Mapped[str] = mapped_column(unique=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    duration_seconds: Mapped[float]
    content_type: Mapped[str]
    sample_rate_hertz: Mapped[int]
    channels: Mapped[Small] = mapped_column(server_default="1")
    sha256: Mapped[bytes | None]
    generated: Mapped[bool] = mapped_column(server_default=text("false"))
    model: Mapped[str | None]
    voice: Mapped[str | None]
    author: Mapped[str | None]
    licence: Mapped[str | None]
    attribution_url: Mapped[str | None]
    position: Mapped[Small] = mapped_column(server_default="0")
    morae: Mapped[Json | None]
    sentence_id: Mapped[Id | None] = mapped_column(ForeignKey("sentences.id", ondelete="SET NULL"))
    user_id: Mapped[Id | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[Instant]

    __table_args__ = (
        *not_negative("size_bytes", "duration_seconds"),
        CheckConstraint("sample_rate_hertz > 0", name="sample_rate_hertz_range"),
        CheckConstraint("channels > 0", name="channels_range"),
        CheckConstraint("octet_length(sha256) = 32", name="sha256_length"),
        CheckConstraint("NOT generated OR model IS NOT NULL", name="generated_has_model"),
        Index(None, "sentence_id", "position", postgresql_where=text("sentence_id IS NOT NULL")),
        Index(None, "user_id", "created_at", postgresql_where=text("user_id IS NOT NULL")),
    )


class SpeakingSessionRow(Base):
    """A sitting of speaking practice. How many attempts it has, and their audio, is summed from the attempts."""

    __tablename__ = "speaking_sessions"

    id: Mapped[PrimaryId]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    sentence_id: Mapped[Id | None] = mapped_column(ForeignKey("sentences.id", ondelete="SET NULL"))
    title: Mapped[str] = mapped_column(server_default="")
    purpose: Mapped[str] = mapped_column(server_default="practice")
    started_at: Mapped[Instant]
    ended_at: Mapped[Instant | None]

    __table_args__ = (
        CheckConstraint("ended_at >= started_at", name="ends_after_start"),
        one_of("purpose", ("practice", "review")),
        Index(None, "user_id", "started_at", "id"),
        Index(None, "sentence_id", postgresql_where=text("sentence_id IS NOT NULL")),
    )


class AttemptRow(Base):
    """One utterance, what was heard in it, and how it was scored.

    A score is null where it could not be computed, never 0 for unknown; `assessable` is null where no assessment was
    made. `word_scores` is the JSON array of words with their scores, `analysis` the rest of the assessment (morae,
    phonemes, pauses, pitch, findings); recipe, models and analyser say what made it, so that it can be made again, and
    `past_assessments` has what earlier ones gave. `practice_id` is the client's: reconnecting with it never makes a
    second attempt; `fingerprint` tells a repeat from a reuse. A deleted attempt keeps its row, emptied.
    """

    __tablename__ = "attempts"

    id: Mapped[PrimaryId]
    practice_id: Mapped[Id]
    user_id: Mapped[Id] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    sentence_id: Mapped[Id | None] = mapped_column(ForeignKey("sentences.id", ondelete="SET NULL"))
    speaking_session_id: Mapped[Id | None] = mapped_column(ForeignKey("speaking_sessions.id", ondelete="SET NULL"))
    card_id: Mapped[Id | None] = mapped_column(ForeignKey("cards.id", ondelete="SET NULL"))
    audio_file_id: Mapped[Id | None] = mapped_column(ForeignKey("audio_files.id", ondelete="SET NULL"))
    purpose: Mapped[str] = mapped_column(server_default="practice")
    fingerprint: Mapped[str]
    reference_text: Mapped[str] = mapped_column(server_default="")
    accepted_answers: Mapped[Texts]
    attempt_number: Mapped[Count]
    audio_seconds: Mapped[float]
    transcript: Mapped[str] = mapped_column(server_default="")
    reading: Mapped[str] = mapped_column(server_default="")
    language: Mapped[str] = mapped_column(server_default="")
    segments: Mapped[Json | None]
    confidence: Mapped[float | None]
    overall: Mapped[float | None]
    accuracy: Mapped[float | None]
    fluency: Mapped[float | None]
    completeness: Mapped[float | None]
    prosody: Mapped[float | None]
    assessable: Mapped[bool | None]
    unassessable_reason: Mapped[str | None]
    word_scores: Mapped[Json | None]
    analysis: Mapped[Json | None]
    past_assessments: Mapped[Json | None]
    recipe: Mapped[str | None]
    acoustic_model: Mapped[str | None]
    speech_model: Mapped[str | None]
    analyzer: Mapped[str | None]
    assessed_at: Mapped[Instant | None]
    suggested_rating: Mapped[Small | None]
    created_at: Mapped[Instant]
    updated_at: Mapped[Instant]
    deleted_at: Mapped[Instant | None]

    __table_args__ = (
        one_of("purpose", ("practice", "review")),
        *not_negative("attempt_number", "audio_seconds"),
        in_range("confidence", 0, 1),
        *(in_range(score, 0, 100) for score in SCORES),
        in_range("suggested_rating", 1, 4),
        CheckConstraint("(assessable IS FALSE) = (unassessable_reason IS NOT NULL)", name="unassessable_has_reason"),
        Index("uq_attempts_practice_id", "user_id", "practice_id", unique=True),
        Index(None, "user_id", "created_at", "id"),
        Index(None, "sentence_id", "user_id", postgresql_where=text("sentence_id IS NOT NULL")),
        Index(None, "speaking_session_id", postgresql_where=text("speaking_session_id IS NOT NULL")),
        Index(None, "card_id", postgresql_where=text("card_id IS NOT NULL")),
        Index(None, "audio_file_id", postgresql_where=text("audio_file_id IS NOT NULL")),
    )
