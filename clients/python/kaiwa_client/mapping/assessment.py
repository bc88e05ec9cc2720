"""References, transcripts and assessments from protobuf."""

from __future__ import annotations

from kaiwa.speech.v1 import assessment_pb2, reference_pb2, transcript_pb2
from kaiwa_client import models
from kaiwa_client.mapping.basics import enum_name, milliseconds, parameter, span_of


def reference(message: reference_pb2.Reference) -> models.Reference:
    """What is to be read."""
    return models.Reference(
        text=message.text,
        reading=message.reading,
        english=message.english,
        morae=tuple(
            models.ReferenceMora(mora.mora, mora.text_span.offset, mora.text_span.length) for mora in message.morae
        ),
    )


def transcript(message: transcript_pb2.Transcript) -> models.Transcript:
    """What was said."""
    return models.Transcript(
        text=message.text,
        reading=message.reading,
        confidence=message.confidence if message.HasField("confidence") else None,
        language=message.language,
        segments=tuple(_segment(segment) for segment in message.segments),
    )


def _segment(message: transcript_pb2.TranscriptSegment) -> models.TranscriptSegment:
    start, end = span_of(message.audio_span, present=message.HasField("audio_span"))
    return models.TranscriptSegment(
        text=message.text,
        reading=message.reading,
        confidence=message.confidence if message.HasField("confidence") else None,
        language=message.language,
        start_ms=start,
        end_ms=end,
    )


def _error(value: int) -> str | None:
    try:
        return enum_name(assessment_pb2.ErrorKind.Name(assessment_pb2.ErrorKind.ValueType(value)), "ERROR_KIND_")
    except ValueError:
        return None


def unassessable_reason(value: int) -> str | None:
    """Why something could not be judged; None when it could, or for a reason newer than this client."""
    kind = assessment_pb2.UnassessableReason
    try:
        return enum_name(kind.Name(kind.ValueType(value)), "UNASSESSABLE_REASON_")
    except ValueError:
        return None


def scores(message: assessment_pb2.Scores) -> models.Scores:
    """Scores, each None where it is unset."""
    return models.Scores(
        overall=message.overall if message.HasField("overall") else None,
        accuracy=message.accuracy if message.HasField("accuracy") else None,
        fluency=message.fluency if message.HasField("fluency") else None,
        completeness=message.completeness if message.HasField("completeness") else None,
        prosody=message.prosody if message.HasField("prosody") else None,
    )


def assessment(message: assessment_pb2.Assessment) -> models.Assessment:
    """How well something was said."""
    return models.Assessment(
        assessable=message.assessable,
        reason=None if message.assessable else unassessable_reason(message.unassessable_reason),
        scores=scores(message.scores),
        reference=reference(message.reference) if message.HasField("reference") else None,
        matched_answer=message.matched_answer if message.HasField("matched_answer") else None,
        words=tuple(_word(word) for word in message.words),
        morae=tuple(_mora(mora) for mora in message.morae),
        insertions=tuple(_insertion(sound) for sound in message.insertions),
        accent_phrases=tuple(_accent_phrase(phrase) for phrase in message.accent_phrases),
        fluency=_fluency(message.fluency) if message.HasField("fluency") else None,
        findings=tuple(_finding(finding) for finding in message.findings),
        recipe=message.versions.recipe,
    )


def _word(message: assessment_pb2.WordAssessment) -> models.Word:
    start, end = span_of(message.audio_span, present=message.HasField("audio_span"))
    return models.Word(
        text=message.text,
        reading=message.reading,
        score=message.score if message.HasField("score") else None,
        error=_error(message.error),
        start_ms=start,
        end_ms=end,
        first_mora=message.morae.first,
        mora_count=message.morae.count,
    )


def _mora(message: assessment_pb2.MoraAssessment) -> models.Mora:
    start, end = span_of(message.audio_span, present=message.HasField("audio_span"))
    return models.Mora(
        mora=message.mora,
        score=message.score if message.HasField("score") else None,
        error=_error(message.error),
        expected=message.mora,
        heard=message.heard,
        start_ms=start,
        end_ms=end,
        word=message.word,
    )


def _insertion(message: assessment_pb2.InsertedSound) -> models.Insertion:
    start, end = span_of(message.audio_span, present=message.HasField("audio_span"))
    return models.Insertion(message.before_mora, message.heard, start, end)


def _accent_phrase(message: assessment_pb2.AccentPhraseAssessment) -> models.AccentPhrase:
    return models.AccentPhrase(
        text=message.text,
        expected_nucleus=message.expected_nucleus,
        heard_nucleus=message.heard_nucleus if message.HasField("heard_nucleus") else None,
        heard_probability=message.heard_probability if message.HasField("heard_probability") else None,
        error=_error(message.error),
        score=message.score if message.HasField("score") else None,
        first_mora=message.morae.first,
        mora_count=message.morae.count,
    )


def _fluency(message: assessment_pb2.Fluency) -> models.Fluency:
    return models.Fluency(
        morae_per_second=message.morae_per_second if message.HasField("morae_per_second") else None,
        articulation_rate=message.articulation_rate if message.HasField("articulation_rate") else None,
        pause_ratio=message.pause_ratio if message.HasField("pause_ratio") else None,
        speech_ms=milliseconds(message.speech_duration) if message.HasField("speech_duration") else None,
        pauses=len(message.pauses),
    )


def _finding(message: assessment_pb2.Finding) -> models.Finding:
    start, end = span_of(message.evidence, present=message.HasField("evidence"))
    return models.Finding(
        key=message.message_key,
        parameters=tuple(parameter(value) for value in message.parameters),
        error=_error(message.error),
        work_on=message.work_on,
        confidence=message.confidence if message.HasField("confidence") else None,
        first_mora=message.morae.first if message.HasField("morae") else None,
        mora_count=message.morae.count,
        start_ms=start,
        end_ms=end,
    )
