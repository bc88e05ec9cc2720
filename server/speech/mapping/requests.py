"""Requests of SpeechService as the use cases take them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from google.protobuf.duration_pb2 import Duration

from kaiwa.speech.v1 import audio_pb2, practice_pb2, practice_purpose_pb2, pronunciation_pb2, span_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from server.errors import InvalidInput, Reason
from server.rpc.wire import body_hash, moment
from server.speech.check_microphone import Clip
from server.speech.domain.assessment import AudioSpan
from server.speech.domain.attempt import Purpose
from server.speech.domain.reference import TextSpan
from server.speech.get_attempt_audio import FileFormat
from server.speech.practice import Finish, Intake
from server.speech.practice_config import Encoding, Override, PracticeConfig
from server.speech.start_speaking_session import NewSession, Repeat
from server.speech.storage import AttemptFilter, SessionFilter
from server.speech.transcribe import Recording

_ENCODINGS: Mapping[audio_pb2.AudioEncoding.ValueType, Encoding] = MappingProxyType(
    {
        audio_pb2.AUDIO_ENCODING_LINEAR16: Encoding.LINEAR16,
        audio_pb2.AUDIO_ENCODING_OPUS: Encoding.OPUS,
    }
)
_PURPOSES: Mapping[practice_purpose_pb2.PracticePurpose.ValueType, Purpose] = MappingProxyType(
    {
        practice_purpose_pb2.PRACTICE_PURPOSE_PRACTICE: Purpose.PRACTICE,
        practice_purpose_pb2.PRACTICE_PURPOSE_REVIEW: Purpose.REVIEW,
    }
)
_FORMATS: Mapping[audio_pb2.AudioFileFormat.ValueType, FileFormat] = MappingProxyType(
    {
        audio_pb2.AUDIO_FILE_FORMAT_WAV: FileFormat.WAV,
        audio_pb2.AUDIO_FILE_FORMAT_OGG_OPUS: FileFormat.OGG_OPUS,
        audio_pb2.AUDIO_FILE_FORMAT_FLAC: FileFormat.FLAC,
        audio_pb2.AUDIO_FILE_FORMAT_LINEAR16: FileFormat.LINEAR16,
    }
)
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def practice_intake(request: pb.PracticeRequest) -> Intake:
    """One message of the stream of Practice."""
    match request.WhichOneof("message"):
        case "config":
            return practice_config(request.config)
        case "finish":
            return Finish()
        case _:
            return request.audio


def recording_intake(request: pb.AssessRecordingRequest) -> PracticeConfig | bytes:
    """One message of the stream of AssessRecording."""
    return _recording_config(request.config) if request.WhichOneof("message") == "config" else request.audio


def practice_config(config: practice_pb2.PracticeConfig) -> PracticeConfig:
    """A practice as it is asked for, with the contract's defaults where the client is silent."""
    ending, wanted = config.endpointing, config.return_options
    return PracticeConfig(
        practice_id=config.practice_id.lower(),
        encoding=_ENCODINGS[config.audio_format.encoding],
        sample_rate_hertz=config.audio_format.sample_rate_hertz,
        session_id=_id(config.speaking_session_id),
        sentence_id=_id(config.sentence_id),
        reference_text=_reference_text(config),
        accepted_answers=_answers(config),
        overrides=tuple(map(_override, config.overrides)),
        purpose=purpose(config.purpose) or Purpose.PRACTICE,
        card_id=_id(config.card_id),
        keep_audio=config.keep_audio if config.HasField("keep_audio") else True,
        partials=wanted.partials if wanted.HasField("partials") else True,
        assess=wanted.assessment if wanted.HasField("assessment") else True,
        pitch=wanted.pitch_contour if wanted.HasField("pitch_contour") else True,
        finish_on_silence=ending.finish_on_silence,
        finish_at_limit=ending.finish_at_limit,
        silence=_seconds(ending.silence) if ending.HasField("silence") else 0.55,
        longest_wait=_seconds(ending.longest_wait) if ending.HasField("longest_wait") else 10.0,
        partial_interval=_seconds(config.partial_interval) if config.HasField("partial_interval") else 0.3,
    )


def _recording_config(config: pb.AssessRecordingConfig) -> PracticeConfig:
    wanted = config.return_options
    return PracticeConfig(
        practice_id=config.practice_id.lower(),
        encoding=Encoding.FILE,
        sample_rate_hertz=0,
        session_id=_id(config.speaking_session_id),
        sentence_id=_id(config.sentence_id),
        reference_text=_reference_text(config),
        accepted_answers=_answers(config),
        overrides=tuple(map(_override, config.overrides)),
        purpose=purpose(config.purpose) or Purpose.PRACTICE,
        card_id=_id(config.card_id),
        keep_audio=config.keep_audio if config.HasField("keep_audio") else True,
        assess=wanted.assessment if wanted.HasField("assessment") else True,
    )


def pushed_audio(request: pb.PushPracticeAudioRequest) -> bytes:
    """The audio of a push.

    Raises:
        InvalidInput: AUDIO_UNDECODABLE for Opus packets: every practice of this server is LINEAR16.
    """
    if request.packets:
        raise InvalidInput(
            "packets", "are for OPUS; this practice takes LINEAR16 in `audio`", reason=Reason.AUDIO_UNDECODABLE
        )
    return request.audio


def final_offset(request: pb.FinishPracticeRequest) -> int | None:
    """How much audio the client says there is in all."""
    return request.final_offset if request.HasField("final_offset") else None


def recording(request: pb.TranscribeRequest) -> Recording:
    """What is to be transcribed. A hint that names no language is none."""
    language = request.language_hint.partition("-")[0].lower()
    hint = language if _LANGUAGE.fullmatch(language) else None
    if not request.HasField("format"):
        return Recording(request.audio, language=hint)
    return Recording(request.audio, _ENCODINGS[request.format.encoding], request.format.sample_rate_hertz, hint)


def clip(request: pb.CheckMicrophoneRequest) -> Clip:
    """The clip that tells of a microphone."""
    if not request.HasField("format"):
        return Clip(request.audio)
    return Clip(request.audio, _ENCODINGS[request.format.encoding], request.format.sample_rate_hertz)


def new_session(request: pb.StartSpeakingSessionRequest) -> NewSession:
    """The session that is to be started."""
    repeat = Repeat(request.request_id.lower(), body_hash(request)) if request.request_id else None
    title = _text(request.title, "title")
    return NewSession(_id(request.sentence_id), title, purpose(request.purpose) or Purpose.PRACTICE, repeat)


def session_filter(request: pb.ListSpeakingSessionsRequest) -> SessionFilter:
    """Which sessions are wanted."""
    return SessionFilter(
        sentence_id=_id(request.sentence_id),
        purpose=purpose(request.purpose),
        since=moment(request.from_time, "from_time") if request.HasField("from_time") else None,
        until=moment(request.before_time, "before_time") if request.HasField("before_time") else None,
        open_only=request.open_only,
    )


def attempt_filter(request: pb.ListAttemptsRequest) -> AttemptFilter:
    """Which attempts are wanted."""
    return AttemptFilter(
        sentence_id=_id(request.sentence_id),
        session_id=_id(request.speaking_session_id),
        card_id=_id(request.card_id),
        purpose=purpose(request.purpose),
        since=moment(request.from_time, "from_time") if request.HasField("from_time") else None,
        until=moment(request.before_time, "before_time") if request.HasField("before_time") else None,
        assessable_only=request.assessable_only,
    )


def file_format(request: pb.GetAttemptAudioRequest) -> FileFormat:
    """How the recording is wanted; WAV unless the client says."""
    return _FORMATS[request.format] if request.HasField("format") else FileFormat.WAV


def audio_span(request: pb.GetAttemptAudioRequest) -> AudioSpan | None:
    """The stretch that is wanted."""
    span: span_pb2.AudioSpan = request.span
    return AudioSpan(_seconds(span.start), _seconds(span.end)) if request.HasField("span") else None


def purpose(value: practice_purpose_pb2.PracticePurpose.ValueType) -> Purpose | None:
    """A purpose; None for UNSPECIFIED."""
    return _PURPOSES.get(value)


def _reference_text(config: practice_pb2.PracticeConfig | pb.AssessRecordingConfig) -> str | None:
    if not config.HasField("reference_text"):
        return None
    return _text(config.reference_text, "config.reference_text")


def _answers(config: practice_pb2.PracticeConfig | pb.AssessRecordingConfig) -> tuple[str, ...]:
    return tuple(
        _text(answer, f"config.accepted_answers.texts[{index}]")
        for index, answer in enumerate(config.accepted_answers.texts)
    )


def _override(override: pronunciation_pb2.PronunciationOverride) -> Override:
    return Override(
        TextSpan(override.span.offset, override.span.length),
        override.reading,
        override.nucleus if override.HasField("nucleus") else None,
    )


def _id(text: str) -> str | None:
    """An id in the one form that ids are compared in; None for an empty one."""
    return text.lower() or None


def _text(text: str, field: str) -> str:
    """A text that can be stored: PostgreSQL has no NUL."""
    if "\0" in text:
        raise InvalidInput(field, "must not contain the character U+0000")
    return text


def _seconds(length: Duration) -> float:
    return length.seconds + length.nanos / 1e9
