"""The events of a practice from protobuf."""

from __future__ import annotations

from kaiwa.speech.v1 import practice_pb2, practice_purpose_pb2, speech_service_pb2
from kaiwa_client import events
from kaiwa_client.mapping.assessment import assessment, reference, transcript
from kaiwa_client.mapping.basics import enum_name, milliseconds, parameter


def limits(message: practice_pb2.PracticeLimits) -> events.Limits:
    """What holds for a practice."""
    return events.Limits(
        longest_chunk_bytes=message.longest_chunk_bytes,
        longest_utterance_ms=milliseconds(message.longest_utterance) if message.HasField("longest_utterance") else None,
        idle_timeout_ms=milliseconds(message.idle_timeout) if message.HasField("idle_timeout") else None,
        streams_per_user=message.streams_per_user,
        audio_left_today_ms=milliseconds(message.audio_left_today) if message.HasField("audio_left_today") else None,
        resume_window_ms=milliseconds(message.resume_window) if message.HasField("resume_window") else None,
    )


def event(response: speech_service_pb2.PracticeResponse, received: float) -> events.Event | None:
    """One event; None for a kind that this client does not know.

    Args:
        response: the server's message.
        received: when it arrived, in monotonic seconds.
    """
    sequence, offset = response.sequence, milliseconds(response.audio_offset)
    match response.WhichOneof("event"):
        case "ready":
            ready = response.ready
            return events.Ready(
                sequence=sequence,
                audio_offset_ms=offset,
                received=received,
                practice_id=ready.practice_id,
                limits=limits(ready.limits),
                reference=reference(ready.reference) if ready.HasField("reference") else None,
            )
        case "speech_started":
            return events.SpeechStarted(
                sequence=sequence,
                audio_offset_ms=offset,
                received=received,
                start_ms=milliseconds(response.speech_started.start),
            )
        case "partial":
            return _partial(response.partial, sequence, offset, received)
        case "speech_ended":
            ended = response.speech_ended
            return events.SpeechEnded(
                sequence=sequence,
                audio_offset_ms=offset,
                received=received,
                cause=_cause(ended.cause),
                speech_end_ms=milliseconds(ended.speech_end) if ended.HasField("speech_end") else None,
            )
        case "transcript":
            return events.TranscriptReady(
                sequence=sequence,
                audio_offset_ms=offset,
                received=received,
                transcript=transcript(response.transcript),
            )
        case "assessment":
            return events.AssessmentReady(
                sequence=sequence,
                audio_offset_ms=offset,
                received=received,
                assessment=assessment(response.assessment),
            )
        case "saved":
            saved = response.saved
            return events.Saved(
                sequence=sequence,
                audio_offset_ms=offset,
                received=received,
                attempt_id=saved.attempt_id,
                suggested_rating=_rating(saved.suggested_rating),
                audio_kept=saved.audio_kept,
                attempt_number=saved.attempt_number,
            )
        case "notice":
            kind = _notice_kind(response.notice.kind)
            if kind is None:
                return None
            return events.Notice(
                sequence=sequence,
                audio_offset_ms=offset,
                received=received,
                kind=kind,
                parameters=tuple(parameter(value) for value in response.notice.parameters),
            )
        case _:
            return None


def _partial(message: practice_pb2.Partial, sequence: int, offset: int, received: float) -> events.Partial:
    return events.Partial(
        sequence=sequence,
        audio_offset_ms=offset,
        received=received,
        stable_text=message.stable_text,
        unstable_text=message.unstable_text,
        morae_read=message.morae_read if message.HasField("morae_read") else None,
        morae_total=message.morae_total if message.HasField("morae_total") else None,
        impressions=tuple(events.Impression(item.mora, item.score) for item in message.impressions),
        pitch=tuple(
            events.PitchPoint(milliseconds(point.time), point.semitones if point.HasField("semitones") else None)
            for point in message.pitch
        ),
    )


def _cause(value: practice_pb2.SpeechEndCause.ValueType) -> str:
    try:
        return enum_name(practice_pb2.SpeechEndCause.Name(value), "SPEECH_END_CAUSE_") or "unknown"
    except ValueError:
        return "unknown"


def _notice_kind(value: practice_pb2.NoticeKind.ValueType) -> str | None:
    try:
        return enum_name(practice_pb2.NoticeKind.Name(value), "NOTICE_KIND_")
    except ValueError:
        return None


def _rating(value: practice_purpose_pb2.SuggestedRating.ValueType) -> str | None:
    try:
        return enum_name(practice_purpose_pb2.SuggestedRating.Name(value), "SUGGESTED_RATING_")
    except ValueError:
        return None
