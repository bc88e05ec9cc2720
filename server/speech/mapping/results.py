"""Transcripts, assessments, attempts and sessions as the contract has them. What is not known stays unset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from kaiwa.speech.v1 import (
    assessment_pb2,
    attempt_pb2,
    audio_pb2,
    message_parameter_pb2,
    microphone_pb2,
    pitch_pb2,
    practice_purpose_pb2,
    reference_pb2,
    span_pb2,
    transcript_pb2,
)
from kaiwa.speech.v1 import speech_service_pb2 as pb
from server.rpc.wire import seconds, timestamp
from server.speech.domain.assessment import (
    AccentPhraseJudgement,
    Assessment,
    AudioSpan,
    ErrorKind,
    Finding,
    Fluency,
    Prosody,
    Scores,
    Semitones,
    UnassessableReason,
    Versions,
    WordJudgement,
)
from server.speech.domain.attempt import Attempt, Purpose, SpeakingSession
from server.speech.domain.events import SuggestedRating, Transcript, TranscriptSegment
from server.speech.domain.microphone import MicrophoneReport
from server.speech.domain.prosody.pitch import FRAMES_A_SECOND
from server.speech.domain.prosody.rhythm import Pause
from server.speech.domain.reference import Reference, TextSpan
from server.speech.get_attempt_audio import AudioFile

CHUNK_BYTES = 65_536


def transcript_message(transcript: Transcript) -> transcript_pb2.Transcript:
    """What was said."""
    return transcript_pb2.Transcript(
        text=transcript.text,
        reading=transcript.reading,
        confidence=transcript.confidence,
        language=transcript.language,
        segments=map(_segment, transcript.segments),
    )


def reference_message(reference: Reference) -> reference_pb2.Reference:
    """What is to be read."""
    return reference_pb2.Reference(
        text=reference.text,
        reading=reference.reading,
        morae=[
            reference_pb2.ReferenceMora(mora=mora.kana, text_span=_text_span(reference.words[mora.word].span))
            for mora in reference.morae
        ],
        english=reference.english,
    )


def assessment_message(assessment: Assessment, at: datetime | None) -> assessment_pb2.Assessment:
    """How well it was said; of an outline, the verdict and the scores."""
    reference = assessment.reference
    return assessment_pb2.Assessment(
        assessable=assessment.assessable,
        unassessable_reason=_reason(assessment.reason),
        scores=scores_message(assessment.scores),
        reference=None if reference is None else reference_message(reference),
        matched_answer=assessment.matched_answer,
        words=map(_word, assessment.words),
        morae=[_mora(index, assessment) for index in range(len(assessment.morae))],
        insertions=[
            assessment_pb2.InsertedSound(
                before_mora=sound.before_mora,
                heard=sound.heard,
                audio_span=_optional_span(sound.span),
                confidence=sound.confidence,
            )
            for sound in assessment.insertions
        ],
        fluency=None if assessment.fluency is None else _fluency(assessment.fluency),
        accent_phrases=[_accent_phrase(phrase, assessment) for phrase in (assessment.prosody or Prosody()).accents],
        pitch_contour=None if assessment.prosody is None else _pitch_contour(assessment.prosody),
        findings=[_finding(finding, assessment) for finding in assessment.findings],
        versions=_versions(assessment.versions),
        assess_time=None if at is None else timestamp(at),
    )


def scores_message(scores: Scores) -> assessment_pb2.Scores:
    """Scores; those that could not be computed stay unset."""
    return assessment_pb2.Scores(
        overall=scores.overall,
        accuracy=scores.accuracy,
        fluency=scores.fluency,
        completeness=scores.completeness,
        prosody=scores.prosody,
    )


def attempt_message(attempt: Attempt) -> attempt_pb2.Attempt:
    """A stored attempt; an outline gives what ListAttempts has."""
    message = attempt_pb2.Attempt(
        attempt_id=attempt.id,
        practice_id=attempt.practice_id,
        speaking_session_id=attempt.session_id or "",
        sentence_id=attempt.sentence_id or "",
        reference_text=attempt.reference_text,
        accepted_answers=attempt.accepted_answers,
        purpose=purpose_value(attempt.purpose),
        card_id=attempt.card_id or "",
        suggested_rating=rating_value(attempt.suggested_rating),
        attempt_number=attempt.attempt_number,
        transcript=transcript_message(attempt.transcript),
        audio_duration=seconds(attempt.audio_seconds),
        create_time=timestamp(attempt.created_at),
    )
    if attempt.assessment is not None:
        message.assessment.CopyFrom(assessment_message(attempt.assessment, attempt.assessed_at))
    if (audio := attempt.audio) is not None:
        message.audio.content_type = audio.content_type
        message.audio.sample_rate_hertz = audio.sample_rate_hertz
        message.audio.size_bytes = audio.size_bytes
    return message


def microphone_message(report: MicrophoneReport) -> microphone_pb2.MicrophoneReport:
    """What a clip tells of a microphone."""
    return microphone_pb2.MicrophoneReport(
        verdict=microphone_pb2.MicrophoneVerdict.Value(f"MICROPHONE_VERDICT_{report.verdict.name}"),
        problems=[microphone_pb2.MicrophoneProblem.Value(f"MICROPHONE_PROBLEM_{p.name}") for p in report.problems],
        speech_level_dbfs=report.speech_dbfs,
        peak_dbfs=report.peak_dbfs,
        noise_level_dbfs=report.noise_dbfs,
        snr_db=report.snr_db,
        clipped_share=report.clipped_share,
        speech_duration=seconds(report.speech_seconds),
        bandwidth_hertz=report.bandwidth_hertz,
    )


def session_message(session: SpeakingSession) -> attempt_pb2.SpeakingSession:
    """A speaking session."""
    return attempt_pb2.SpeakingSession(
        speaking_session_id=session.id,
        sentence_id=session.sentence_id or "",
        title=session.title,
        purpose=purpose_value(session.purpose),
        attempt_count=session.attempt_count,
        audio_duration=seconds(session.audio_seconds),
        average_scores=scores_message(session.average_scores),
        start_time=timestamp(session.started_at),
        end_time=None if session.ended_at is None else timestamp(session.ended_at),
    )


def audio_messages(file: AudioFile) -> Iterator[pb.GetAttemptAudioResponse]:
    """A file as a stream: its header, then its bytes."""
    header = audio_pb2.AudioStreamHeader(
        format=audio_pb2.AudioFileFormat.Value(f"AUDIO_FILE_FORMAT_{file.format.name}"),
        sample_rate_hertz=file.sample_rate_hertz,
        content_type=file.format.value,
        size_bytes=len(file.data),
    )
    yield pb.GetAttemptAudioResponse(header=header)
    for begin in range(0, len(file.data), CHUNK_BYTES):
        yield pb.GetAttemptAudioResponse(audio=file.data[begin : begin + CHUNK_BYTES])


def purpose_value(purpose: Purpose) -> practice_purpose_pb2.PracticePurpose.ValueType:
    """What an attempt is for."""
    return practice_purpose_pb2.PracticePurpose.Value(f"PRACTICE_PURPOSE_{purpose.name}")


def rating_value(rating: SuggestedRating | None) -> practice_purpose_pb2.SuggestedRating.ValueType:
    """The rating that is suggested; UNSPECIFIED for none."""
    if rating is None:
        return practice_purpose_pb2.SUGGESTED_RATING_UNSPECIFIED
    return practice_purpose_pb2.SuggestedRating.Value(f"SUGGESTED_RATING_{rating.name}")


def _reason(reason: UnassessableReason | None) -> assessment_pb2.UnassessableReason.ValueType:
    if reason is None:
        return assessment_pb2.UNASSESSABLE_REASON_UNSPECIFIED
    return assessment_pb2.UnassessableReason.Value(f"UNASSESSABLE_REASON_{reason.name}")


def _error(error: ErrorKind) -> assessment_pb2.ErrorKind.ValueType:
    return assessment_pb2.ErrorKind.Value(f"ERROR_KIND_{error.name}")


def _segment(segment: TranscriptSegment) -> transcript_pb2.TranscriptSegment:
    return transcript_pb2.TranscriptSegment(
        text=segment.text,
        reading=segment.reading,
        audio_span=_audio_span(segment.audio),
        text_span=_text_span(segment.place),
        confidence=segment.confidence,
        language=segment.language,
    )


def _word(word: WordJudgement) -> assessment_pb2.WordAssessment:
    return assessment_pb2.WordAssessment(
        text=word.word.text,
        text_span=_text_span(word.word.span),
        reading=word.word.reading,
        morae=span_pb2.MoraRange(first=word.first_mora, count=word.mora_count),
        score=word.score,
        error=_error(word.error),
        audio_span=_optional_span(word.span),
        error_confidence=word.confidence,
    )


def _mora(index: int, assessment: Assessment) -> assessment_pb2.MoraAssessment:
    mora = assessment.morae[index]
    prosody = assessment.prosody or Prosody()
    return assessment_pb2.MoraAssessment(
        mora=mora.kana,
        heard=mora.heard,
        score=mora.score,
        error=_error(mora.error),
        error_confidence=mora.confidence,
        audio_span=_optional_span(mora.span),
        text_span=_text_span(assessment.words[mora.word].word.span),
        word=mora.word,
        expected_phones=mora.expected_phones,
        heard_phones=mora.heard_phones,
        expected_duration=None if mora.expected_seconds is None else seconds(mora.expected_seconds),
        pitch=_mora_pitch(prosody.mora_pitch, index),
        reference_pitch=_mora_pitch(prosody.reference_mora_pitch, index),
    )


def _fluency(fluency: Fluency) -> assessment_pb2.Fluency:
    return assessment_pb2.Fluency(
        morae_per_second=fluency.morae_per_second,
        articulation_rate=fluency.articulation_rate,
        pause_ratio=fluency.pause_ratio,
        speech_duration=seconds(fluency.speech_duration),
        pauses=map(_pause, fluency.pauses),
    )


def _pause(pause: Pause) -> assessment_pb2.Pause:
    message = assessment_pb2.Pause(
        audio_span=_audio_span(AudioSpan(pause.start, pause.end)), after_mora=pause.after_mora
    )
    if pause.expected is not None:
        message.error = _error(ErrorKind.NONE if pause.expected else ErrorKind.UNEXPECTED_BREAK)
    return message


def _accent_phrase(phrase: AccentPhraseJudgement, assessment: Assessment) -> assessment_pb2.AccentPhraseAssessment:
    words = [assessment.words[mora.word].word for mora in assessment.morae[phrase.first_mora :][: phrase.mora_count]]
    start = words[0].span.offset
    end = words[-1].span.offset + words[-1].span.length
    message = assessment_pb2.AccentPhraseAssessment(
        text=assessment.reference_text[start:end],
        text_span=span_pb2.TextSpan(offset=start, length=end - start),
        audio_span=_optional_span(phrase.span),
        morae=span_pb2.MoraRange(first=phrase.first_mora, count=phrase.mora_count),
        expected_nucleus=phrase.accepted[0],
        accepted_nuclei=phrase.accepted,
        heard_nucleus=phrase.heard,
        heard_probability=phrase.heard_probability,
        accepted_probability=phrase.accepted_probability,
        score=phrase.score,
    )
    if phrase.wrong is not None:
        message.error = _error(ErrorKind.ACCENT if phrase.wrong else ErrorKind.NONE)
    return message


def _pitch_contour(prosody: Prosody) -> assessment_pb2.PitchContour:
    return assessment_pb2.PitchContour(
        learner=_points(prosody.learner),
        reference=_points(prosody.reference),
        learner_median_hertz=prosody.learner_median,
    )


def _points(semitones: Semitones) -> Iterator[pitch_pb2.PitchPoint]:
    """A value stands for the middle of its 10 ms."""
    for place, value in enumerate(semitones):
        yield pitch_pb2.PitchPoint(time=seconds((place + 0.5) / FRAMES_A_SECOND), semitones=value)


def _mora_pitch(table: Sequence[Semitones], mora: int) -> assessment_pb2.MoraPitch | None:
    if mora >= len(table) or all(value is None for value in table[mora]):
        return None
    start, middle, end = table[mora]
    return assessment_pb2.MoraPitch(start_semitones=start, middle_semitones=middle, end_semitones=end)


def _finding(finding: Finding, assessment: Assessment) -> assessment_pb2.Finding:
    message = assessment_pb2.Finding(
        message_key=finding.key,
        parameters=[_parameter(name, value) for name, value in finding.parameters],
        error=_error(finding.error),
        work_on=finding.work_on,
        confidence=finding.confidence,
        evidence=_optional_span(finding.evidence),
    )
    if finding.first_mora is not None and finding.mora_count is not None:
        end = finding.first_mora + finding.mora_count
        message.morae.first = finding.first_mora
        message.morae.count = finding.mora_count
        spans = [assessment.words[mora.word].word.span for mora in assessment.morae[finding.first_mora : end]]
        if spans:
            first, last = spans[0], spans[-1]
            message.text_span.CopyFrom(_text_span(TextSpan(first.offset, last.offset + last.length - first.offset)))
    return message


def _parameter(name: str, value: str | int | float) -> message_parameter_pb2.MessageParameter:
    if isinstance(value, str):
        return message_parameter_pb2.MessageParameter(name=name, text=value)
    if isinstance(value, int):
        return message_parameter_pb2.MessageParameter(name=name, count=value)
    return message_parameter_pb2.MessageParameter(name=name, number=value)


def _versions(versions: Versions) -> assessment_pb2.AssessmentVersions:
    return assessment_pb2.AssessmentVersions(
        recipe=versions.recipe,
        acoustic_model=versions.acoustic_model,
        speech_model=versions.speech_model,
        analyzer=versions.analyzer,
    )


def _audio_span(span: AudioSpan) -> span_pb2.AudioSpan:
    return span_pb2.AudioSpan(start=seconds(span.start), end=seconds(span.end))


def _optional_span(span: AudioSpan | None) -> span_pb2.AudioSpan | None:
    return None if span is None else _audio_span(span)


def _text_span(span: TextSpan) -> span_pb2.TextSpan:
    return span_pb2.TextSpan(offset=span.offset, length=span.length)
