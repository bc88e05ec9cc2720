"""The events of a practice as the contract has them."""

from __future__ import annotations

from typing import TypeVar

from kaiwa.speech.v1 import message_parameter_pb2, pitch_pb2, practice_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from server.rpc.wire import seconds, timestamp
from server.speech.domain.events import (
    Assessed,
    Limits,
    Notice,
    Numbered,
    Partial,
    Ready,
    Saved,
    SpeechEnded,
    SpeechStarted,
    Transcript,
)
from server.speech.mapping.results import (
    assessment_message,
    rating_value,
    reference_message,
    transcript_message,
)

Response = TypeVar("Response", pb.PracticeResponse, pb.OpenPracticeResponse)

_DURATIONS = frozenset({"remaining", "limit", "behind"})
_COUNTS = frozenset({"offset"})


def practice_event(numbered: Numbered, kind: type[Response]) -> Response:
    """An event as either of the two streams sends it; they are the same, field for field."""
    response = kind(sequence=numbered.sequence, audio_offset=seconds(numbered.audio_offset))
    match numbered.event:
        case Ready() as event:
            response.ready.CopyFrom(_ready(event))
        case SpeechStarted(start):
            response.speech_started.start.CopyFrom(seconds(start))
        case Partial() as event:
            response.partial.SetInParent()
            response.partial.CopyFrom(_partial(event))
        case SpeechEnded() as event:
            response.speech_ended.CopyFrom(_speech_ended(event))
        case Transcript() as event:
            # It may be empty, and an empty message must be seen all the same.
            response.transcript.SetInParent()
            response.transcript.CopyFrom(transcript_message(event))
        case Assessed() as event:
            response.assessment.CopyFrom(assessment_message(event.assessment, event.at))
        case Saved() as event:
            response.saved.CopyFrom(_saved(event))
        case Notice() as event:
            response.notice.CopyFrom(notice_message(event))
    return response


def notice_message(notice: Notice) -> practice_pb2.Notice:
    """A notice; the type of each parameter goes by its name."""
    return practice_pb2.Notice(
        kind=practice_pb2.NoticeKind.Value(f"NOTICE_KIND_{notice.kind.name}"),
        parameters=[_parameter(name, value) for name, value in notice.parameters],
    )


def _ready(event: Ready) -> practice_pb2.PracticeReady:
    return practice_pb2.PracticeReady(
        practice_id=event.practice_id,
        resume_offset=event.resume_offset,
        limits=_limits(event.limits),
        reference=None if event.reference is None else reference_message(event.reference),
    )


def _limits(limits: Limits) -> practice_pb2.PracticeLimits:
    return practice_pb2.PracticeLimits(
        longest_chunk_bytes=limits.longest_chunk_bytes,
        recommended_chunk=seconds(limits.recommended_chunk),
        longest_utterance=seconds(limits.longest_utterance),
        idle_timeout=seconds(limits.idle_timeout),
        streams_per_user=limits.streams_per_user,
        audio_left_today=None if limits.audio_left_today is None else seconds(limits.audio_left_today),
        resume_window=seconds(limits.resume_window),
        pushes_in_flight=limits.pushes_in_flight,
    )


def _partial(event: Partial) -> practice_pb2.Partial:
    return practice_pb2.Partial(
        stable_text=event.stable_text,
        unstable_text=event.unstable_text,
        morae_read=event.morae_read,
        morae_total=event.morae_total,
        pitch=[pitch_pb2.PitchPoint(time=seconds(point.time), semitones=point.semitones) for point in event.pitch],
    )


def _speech_ended(event: SpeechEnded) -> practice_pb2.SpeechEnded:
    return practice_pb2.SpeechEnded(
        cause=practice_pb2.SpeechEndCause.Value(f"SPEECH_END_CAUSE_{event.cause.name}"),
        speech_end=None if event.speech_end is None else seconds(event.speech_end),
    )


def _saved(event: Saved) -> practice_pb2.AttemptSaved:
    return practice_pb2.AttemptSaved(
        attempt_id=event.attempt_id,
        suggested_rating=rating_value(event.suggested_rating),
        audio_kept=event.audio_kept,
        attempt_number=event.attempt_number,
        create_time=timestamp(event.at),
    )


def _parameter(name: str, value: int | float) -> message_parameter_pb2.MessageParameter:
    if name in _DURATIONS:
        return message_parameter_pb2.MessageParameter(name=name, duration=seconds(value))
    if name in _COUNTS:
        return message_parameter_pb2.MessageParameter(name=name, count=int(value))
    return message_parameter_pb2.MessageParameter(name=name, number=value)
