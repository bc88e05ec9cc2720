"""Accounts, sentences and attempts from protobuf."""

from __future__ import annotations

from kaiwa.accounts.v1 import accounts_service_pb2, config_entry_pb2, session_pb2, user_pb2
from kaiwa.content.v1 import sentence_pb2
from kaiwa.speech.v1 import attempt_pb2, practice_purpose_pb2, speech_service_pb2
from kaiwa_client import models
from kaiwa_client.mapping.assessment import assessment, transcript
from kaiwa_client.mapping.basics import enum_name, milliseconds, moment
from kaiwa_client.tokens import Tokens


def tokens(message: session_pb2.TokenPair) -> Tokens:
    """The tokens of a session."""
    return Tokens(
        access_token=message.access_token,
        access_expires=moment(message.access_token_expire_time),
        refresh_token=message.refresh_token,
        refresh_expires=moment(message.refresh_token_expire_time),
    )


def user(message: user_pb2.User) -> models.User:
    """An account."""
    return models.User(
        id=message.id,
        email=message.email,
        username=message.username,
        role=enum_name(user_pb2.Role.Name(message.role), "ROLE_") or "",
        level=message.level,
        native_language=message.native_language,
        time_zone=message.time_zone,
        create_time=moment(message.create_time) if message.HasField("create_time") else None,
        day_turn_hour=message.day_turn_hour,
        voice_retention_days=message.voice_retention_days,
        active=message.active,
        verified=message.verified,
    )


def session(message: session_pb2.Session) -> models.Session:
    """A sign-in."""
    return models.Session(
        id=message.id,
        device_name=message.device_name,
        user_agent=message.user_agent,
        create_time=moment(message.create_time),
        refresh_time=moment(message.refresh_time),
        expire_time=moment(message.expire_time),
        current=message.current,
    )


def archive(message: accounts_service_pb2.DownloadHeader) -> models.Archive:
    """The archive of an export."""
    return models.Archive(
        job_id=message.job_id,
        file_name=message.file_name,
        size_bytes=message.size_bytes,
        sha256=message.sha256,
        expire_time=moment(message.expire_time),
    )


def config_entry(message: config_entry_pb2.ConfigEntry) -> models.ConfigEntry:
    """An entry of the configuration table."""
    return models.ConfigEntry(
        key=message.key,
        value=message.value,
        description=message.description,
        public=message.public,
        update_time=moment(message.update_time),
        updated_by=message.updated_by,
    )


def sentence(message: sentence_pb2.Sentence) -> models.Sentence:
    """A sentence."""
    return models.Sentence(
        id=message.id,
        japanese=message.japanese,
        reading=message.reading,
        english=message.english,
        difficulty=message.difficulty if message.HasField("difficulty") else None,
        jlpt_level=enum_name(sentence_pb2.JlptLevel.Name(message.jlpt_level), "JLPT_LEVEL_"),
        tags=tuple(message.tags),
        has_audio=message.has_audio,
        visibility=enum_name(sentence_pb2.Visibility.Name(message.visibility), "VISIBILITY_") or "",
        author=message.author,
        licence=message.licence,
    )


def transcription(message: speech_service_pb2.TranscribeResponse) -> models.Transcription:
    """The transcript of a file."""
    return models.Transcription(
        transcript=transcript(message.transcript),
        audio_ms=milliseconds(message.audio_duration),
        speech_model=message.speech_model,
    )


def attempt(message: attempt_pb2.Attempt) -> models.Attempt:
    """A stored attempt."""
    purpose = practice_purpose_pb2.PracticePurpose.Name(message.purpose)
    return models.Attempt(
        id=message.attempt_id,
        practice_id=message.practice_id,
        speaking_session_id=message.speaking_session_id,
        sentence_id=message.sentence_id,
        reference_text=message.reference_text,
        purpose=enum_name(purpose, "PRACTICE_PURPOSE_") or "",
        transcript=transcript(message.transcript),
        assessment=assessment(message.assessment) if message.HasField("assessment") else None,
        audio_ms=milliseconds(message.audio_duration),
        audio_kept=message.HasField("audio"),
        create_time=moment(message.create_time) if message.HasField("create_time") else None,
    )
