"""Speech between the contract and the domain."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import Enum

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from hypothesis import given
from hypothesis import strategies as st

from kaiwa.speech.v1 import assessment_pb2, audio_pb2, practice_pb2, practice_purpose_pb2, pronunciation_pb2, span_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from server.errors import InvalidInput, Reason
from server.speech.domain.assessment import AccentPhraseJudgement, ErrorKind, Prosody, UnassessableReason
from server.speech.domain.attempt import Purpose
from server.speech.domain.events import (
    Assessed,
    Limits,
    Notice,
    NoticeKind,
    Numbered,
    Partial,
    Ready,
    Saved,
    SpeechEnded,
    SpeechStarted,
    SuggestedRating,
    Transcript,
)
from server.speech.domain.reference import TextSpan, build_reference
from server.speech.domain.session import EndCause
from server.speech.get_attempt_audio import FileFormat
from server.speech.mapping import events, requests, results
from server.speech.practice import Finish
from server.speech.practice_config import Encoding, Override, PracticeConfig
from server.speech.transcribe import Recording
from tests.support.speech import PRACTICE, SENTENCE, DictionaryAnalyser, attempt, full_assessment

LINEAR16 = audio_pb2.AudioFormat(encoding=audio_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16000)
AT = datetime(2026, 11, 23, 12, tzinfo=UTC)

lengths = st.floats(0, 1e6)
moments = st.integers(10**9, 4 * 10**9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
transcripts = st.builds(Transcript, text=st.text(), confidence=st.none() | st.floats(0, 1))
happenings = st.one_of(
    st.builds(
        Ready,
        st.just(PRACTICE),
        st.integers(0, 2**40),
        st.builds(
            Limits,
            st.integers(0, 2**30),
            lengths,
            lengths,
            lengths,
            st.integers(0, 9),
            st.none() | lengths,
            lengths,
            st.integers(0, 9),
        ),
        st.none(),
    ),
    st.builds(SpeechStarted, lengths),
    st.builds(Partial, st.text(), st.text(), st.none() | st.integers(0, 400), st.none() | st.integers(0, 400)),
    st.builds(SpeechEnded, st.sampled_from(EndCause), st.none() | lengths),
    transcripts,
    st.builds(Assessed, st.just(full_assessment()), moments, st.none()),
    st.builds(
        Saved,
        st.just(PRACTICE),
        st.none() | st.sampled_from(SuggestedRating),
        st.booleans(),
        st.integers(0, 99),
        moments,
    ),
    st.builds(Notice, st.sampled_from(NoticeKind), st.just(())),
)
KINDS = {
    Ready: "ready",
    SpeechStarted: "speech_started",
    Partial: "partial",
    SpeechEnded: "speech_ended",
    Transcript: "transcript",
    Assessed: "assessment",
    Saved: "saved",
    Notice: "notice",
}


@given(st.builds(Numbered, st.integers(1, 2**40), lengths, happenings))
def test_both_streams_send_the_same_event(numbered: Numbered) -> None:
    native = events.practice_event(numbered, pb.PracticeResponse)
    web = events.practice_event(numbered, pb.OpenPracticeResponse)
    assert native.SerializeToString() == web.SerializeToString()
    assert native.WhichOneof("event") == KINDS[type(numbered.event)]
    assert native.sequence == numbered.sequence
    assert native.audio_offset.ToTimedelta() == timedelta(seconds=numbered.audio_offset)


def sent(event: object) -> pb.PracticeResponse:
    return events.practice_event(Numbered(1, 0.0, event), pb.PracticeResponse)  # type: ignore[arg-type]


@pytest.mark.parametrize("event", [Transcript(), Partial("", "")])
def test_an_event_with_nothing_in_it_is_seen(event: Transcript | Partial) -> None:
    assert pb.PracticeResponse.FromString(sent(event).SerializeToString()).WhichOneof("event") is not None


@given(transcripts)
def test_what_is_not_known_stays_unset(transcript: Transcript) -> None:
    message = results.transcript_message(transcript)
    assert message.HasField("confidence") == (transcript.confidence is not None)
    assert not message.HasField("confidence") or message.confidence == transcript.confidence


def test_positions_come_together() -> None:
    assert not sent(Partial("a", "b")).partial.HasField("morae_read")
    partial = sent(Partial("a", "b", 0, 6)).partial
    assert partial.HasField("morae_read")
    assert (partial.morae_read, partial.morae_total) == (0, 6)


def test_nobody_spoke() -> None:
    ended = sent(SpeechEnded(EndCause.NO_SPEECH, None)).speech_ended
    assert not ended.HasField("speech_end")
    assert ended.cause == practice_pb2.SPEECH_END_CAUSE_NO_SPEECH
    assert sent(SpeechEnded(EndCause.SILENCE, 0.0)).speech_ended.HasField("speech_end")


async def test_the_reference_of_a_practice() -> None:
    reference = build_reference("今日は雨だ", await DictionaryAnalyser().words("今日は雨だ"), SENTENCE.english)
    limits = Limits(65536, 0.1, 30.0, 10.0, 2, None, 60.0, 3)
    ready = sent(Ready(PRACTICE, 3200, limits, reference)).ready
    assert ready.reference.reading == "キョーワアメダ"
    assert ready.reference.english == SENTENCE.english
    assert [mora.mora for mora in ready.reference.morae] == ["キョ", "ー", "ワ", "ア", "メ", "ダ"]
    assert [(m.text_span.offset, m.text_span.length) for m in ready.reference.morae][:3] == [(0, 2), (0, 2), (2, 1)]
    assert ready.limits.recommended_chunk.ToMilliseconds() == 100
    assert not ready.limits.HasField("audio_left_today")


def test_parameters_of_notices_have_the_types_of_the_contract() -> None:
    notice = sent(Notice(NoticeKind.RESUMED, (("offset", 6400),))).notice
    assert notice.parameters[0].count == 6400
    for name in ("remaining", "limit", "behind"):
        (parameter,) = sent(Notice(NoticeKind.NEAR_LIMIT, ((name, 2.5),))).notice.parameters
        assert parameter.duration.ToTimedelta().total_seconds() == 2.5
    for name in ("level_dbfs", "clipped_share", "snr_db"):
        (parameter,) = sent(Notice(NoticeKind.NOISY, ((name, -3),))).notice.parameters
        assert (parameter.WhichOneof("value"), parameter.number) == ("number", -3.0)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (NoticeKind, practice_pb2.NoticeKind),
        (EndCause, practice_pb2.SpeechEndCause),
        (ErrorKind, assessment_pb2.ErrorKind),
        (UnassessableReason, assessment_pb2.UnassessableReason),
        (Purpose, practice_purpose_pb2.PracticePurpose),
        (SuggestedRating, practice_purpose_pb2.SuggestedRating),
        (FileFormat, audio_pb2.AudioFileFormat),
    ],
)
def test_enums_are_those_of_the_contract(ours: type[Enum], theirs: EnumTypeWrapper) -> None:
    names = theirs.keys()
    prefix = names[0].removesuffix("UNSPECIFIED")
    assert {f"{prefix}{member.name}" for member in ours} == set(names[1:])


def config(**fields: object) -> PracticeConfig:
    message = practice_pb2.PracticeConfig(practice_id=PRACTICE, audio_format=LINEAR16)
    message.MergeFrom(practice_pb2.PracticeConfig(**fields))  # type: ignore[arg-type]
    return requests.practice_config(message)


def test_defaults_of_a_practice() -> None:
    assert config() == PracticeConfig(
        PRACTICE,
        Encoding.LINEAR16,
        16000,
        purpose=Purpose.PRACTICE,
        keep_audio=True,
        partials=True,
        assess=True,
        finish_on_silence=False,
        finish_at_limit=False,
        silence=0.55,
        longest_wait=10.0,
        partial_interval=0.3,
    )


def test_a_practice_with_everything() -> None:
    made = config(
        speaking_session_id=PRACTICE.upper(),
        reference_text="橋を渡る",
        overrides=[
            pronunciation_pb2.PronunciationOverride(
                span=span_pb2.TextSpan(offset=0, length=1), reading="はし", nucleus=0
            ),
            pronunciation_pb2.PronunciationOverride(span=span_pb2.TextSpan(offset=1, length=1)),
        ],
        purpose=practice_purpose_pb2.PRACTICE_PURPOSE_REVIEW,
        card_id=SENTENCE.id,
        keep_audio=False,
        return_options=practice_pb2.ReturnOptions(partials=False, assessment=False),
        endpointing=practice_pb2.Endpointing(
            finish_on_silence=True,
            silence=Duration(seconds=1, nanos=500_000_000),
            longest_wait=Duration(seconds=20),
            finish_at_limit=True,
        ),
        partial_interval=Duration(nanos=100_000_000),
    )
    assert made == PracticeConfig(
        PRACTICE,
        Encoding.LINEAR16,
        16000,
        session_id=PRACTICE,
        reference_text="橋を渡る",
        overrides=(Override(TextSpan(0, 1), "はし", 0), Override(TextSpan(1, 1), "", None)),
        purpose=Purpose.REVIEW,
        card_id=SENTENCE.id,
        keep_audio=False,
        partials=False,
        assess=False,
        finish_on_silence=True,
        finish_at_limit=True,
        silence=1.5,
        longest_wait=20.0,
        partial_interval=0.1,
    )


def test_targets() -> None:
    assert config(sentence_id=SENTENCE.id.upper()).sentence_id == SENTENCE.id
    answers = practice_pb2.AcceptedAnswers(texts=["三時です", "三時だよ"])
    assert config(accepted_answers=answers).accepted_answers == ("三時です", "三時だよ")
    with pytest.raises(InvalidInput) as caught:
        config(accepted_answers=practice_pb2.AcceptedAnswers(texts=["三時です", "三\0時"]))
    assert caught.value.metadata["field"] == "config.accepted_answers.texts[1]"
    with pytest.raises(InvalidInput):
        config(reference_text="\0")


def test_messages_of_a_practice() -> None:
    assert requests.practice_intake(pb.PracticeRequest(audio=b"")) == b""
    assert requests.practice_intake(pb.PracticeRequest(finish=practice_pb2.PracticeFinish())) == Finish()
    message = practice_pb2.PracticeConfig(practice_id=PRACTICE, audio_format=LINEAR16)
    assert isinstance(requests.practice_intake(pb.PracticeRequest(config=message)), PracticeConfig)


def test_a_recording_has_no_format() -> None:
    message = pb.AssessRecordingConfig(practice_id=PRACTICE, reference_text="橋", keep_audio=False)
    made = requests.recording_intake(pb.AssessRecordingRequest(config=message))
    assert made == PracticeConfig(PRACTICE, Encoding.FILE, 0, reference_text="橋", keep_audio=False)
    assert requests.recording_intake(pb.AssessRecordingRequest(audio=b"x")) == b"x"


def test_packets_are_not_for_linear16() -> None:
    assert requests.pushed_audio(pb.PushPracticeAudioRequest(audio=b"ab")) == b"ab"
    with pytest.raises(InvalidInput) as caught:
        requests.pushed_audio(pb.PushPracticeAudioRequest(packets=[b"a"]))
    assert caught.value.reason is Reason.AUDIO_UNDECODABLE
    assert caught.value.metadata == {"field": "packets"}


@pytest.mark.parametrize(
    ("hint", "language"), [("", None), ("ja", "ja"), ("ja-JP", "ja"), ("EN", "en"), ("?", None), ("日本", None)]
)
def test_language_hints(hint: str, language: str | None) -> None:
    assert requests.recording(pb.TranscribeRequest(audio=b"x", language_hint=hint)) == Recording(
        b"x", language=language
    )


def test_samples_to_be_transcribed() -> None:
    request = pb.TranscribeRequest(audio=b"x", format=LINEAR16)
    assert requests.recording(request) == Recording(b"x", Encoding.LINEAR16, 16000)


def test_an_attempt_without_anything_leaves_it_unset() -> None:
    message = results.attempt_message(attempt(assessment=None, assessed_at=None, audio=None, reference_text=""))
    assert not message.HasField("assessment")
    assert not message.HasField("audio")
    assert message.suggested_rating == practice_purpose_pb2.SUGGESTED_RATING_UNSPECIFIED
    assert message.create_time.ToDatetime(tzinfo=UTC) == AT + timedelta(seconds=1)


def test_accents_and_melody_are_told() -> None:
    message = results.assessment_message(full_assessment(), None)

    (phrase,) = message.accent_phrases
    assert (phrase.text, phrase.expected_nucleus, list(phrase.accepted_nuclei)) == ("今日は", 1, [1, 0])
    assert (phrase.heard_nucleus, phrase.heard_probability, phrase.accepted_probability) == (2, 0.75, 0.25)
    assert phrase.error == assessment_pb2.ERROR_KIND_NONE
    contour = message.pitch_contour
    assert [point.HasField("semitones") for point in contour.learner] == [False, True, True]
    assert [point.time.ToMicroseconds() for point in contour.learner] == [5_000, 15_000, 25_000]
    assert contour.learner_median_hertz == 210.5
    assert message.morae[0].pitch.start_semitones == 1.0
    assert not message.morae[0].pitch.HasField("end_semitones")
    assert not message.morae[1].HasField("pitch")
    assert message.morae[2].reference_pitch.end_semitones == -2.0


def test_a_break_is_told_with_its_place() -> None:
    (pause,) = results.assessment_message(full_assessment(), None).fluency.pauses

    assert pause.after_mora == 3
    assert pause.error == assessment_pb2.ERROR_KIND_UNEXPECTED_BREAK


def test_an_accent_that_was_not_judged_is_not_right_either() -> None:
    unjudged = replace(full_assessment(), prosody=Prosody((AccentPhraseJudgement(0, 3, (1,)),)))
    (phrase,) = results.assessment_message(unjudged, None).accent_phrases

    assert phrase.error == assessment_pb2.ERROR_KIND_UNSPECIFIED
    assert not phrase.HasField("heard_nucleus")
    assert not phrase.HasField("score")
