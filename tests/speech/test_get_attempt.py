"""GetAttempt: everything, and unset what is not known."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest

from kaiwa.speech.v1 import assessment_pb2, attempt_pb2, practice_purpose_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from server.errors import Reason
from server.speech.domain.assessment import Assessment, UnassessableReason
from server.speech.domain.attempt import Purpose
from server.speech.domain.events import SuggestedRating, Transcript
from tests.support.rpc import Served
from tests.support.speech import CARD, OTHER_LEARNER, SENTENCE, Speech, attempt, full_assessment, session
from tests.support.talk import TOKEN, refused, speaking


@pytest.fixture
def speech() -> Speech:
    return Speech()


@pytest.fixture
async def served(speech: Speech) -> AsyncIterator[Served]:
    async with speaking(speech) as running:
        yield running


async def get(served: Served) -> attempt_pb2.Attempt:
    request = pb.GetAttemptRequest(attempt_id=attempt().id)
    return (await SpeechServiceStub(served.channel).GetAttempt(request, metadata=TOKEN)).attempt


async def test_everything(speech: Speech, served: Served) -> None:
    speech.add_attempt(
        attempt(
            sentence_id=SENTENCE.id,
            session_id=session().id,
            purpose=Purpose.REVIEW,
            card_id=CARD,
            suggested_rating=SuggestedRating.HARD,
            attempt_number=3,
        )
    )
    got = await get(served)
    assert (got.practice_id, got.sentence_id, got.speaking_session_id) == (
        attempt().practice_id,
        SENTENCE.id,
        session().id,
    )
    assert (got.purpose, got.card_id) == (practice_purpose_pb2.PRACTICE_PURPOSE_REVIEW, CARD)
    assert (got.suggested_rating, got.attempt_number) == (practice_purpose_pb2.SUGGESTED_RATING_HARD, 3)
    assert got.audio_duration.ToTimedelta().total_seconds() == 2.5
    assert (got.audio.content_type, got.audio.sample_rate_hertz, got.audio.size_bytes) == ("audio/flac", 16000, 4321)
    (segment,) = got.transcript.segments
    assert segment.audio_span.end.ToTimedelta().total_seconds() == 1.75
    assert (segment.text_span.offset, segment.text_span.length) == (0, 3)


async def test_the_assessment(speech: Speech, served: Served) -> None:
    speech.add_attempt(attempt())
    judged = (await get(served)).assessment
    assert judged.assessable
    assert judged.unassessable_reason == assessment_pb2.UNASSESSABLE_REASON_UNSPECIFIED
    assert judged.matched_answer == 1
    assert (judged.reference.text, judged.reference.reading, judged.reference.english) == (
        "今日は",
        "キョーワ",
        "Today",
    )
    assert [(m.mora, m.text_span.offset, m.text_span.length) for m in judged.reference.morae] == [
        ("キョ", 0, 2),
        ("ー", 0, 2),
        ("ワ", 2, 1),
    ]
    assert len(judged.morae) == len(judged.reference.morae)
    first, second, _ = judged.morae
    assert (first.heard, first.error, first.HasField("audio_span")) == ("キョ", assessment_pb2.ERROR_KIND_NONE, True)
    assert (second.heard, second.error, second.HasField("audio_span")) == (
        "",
        assessment_pb2.ERROR_KIND_LENGTH,
        False,
    )
    assert second.HasField("score")
    assert not second.HasField("error_confidence")
    assert [(w.text, w.morae.first, w.morae.count) for w in judged.words] == [("今日", 0, 2), ("は", 2, 1)]
    assert [(i.before_mora, i.heard) for i in judged.insertions] == [(3, "ン")]
    assert judged.fluency.pauses[0].audio_span.start.seconds == 1
    assert judged.pitch_contour.learner_median_hertz == 210.5
    assert (judged.versions.recipe, judged.versions.acoustic_model) == ("kana-1", "")


async def test_findings_have_parameters_by_their_type(speech: Speech, served: Served) -> None:
    speech.add_attempt(attempt())
    about_word, about_whole = (await get(served)).assessment.findings
    values = {p.name: (p.WhichOneof("value"), getattr(p, p.WhichOneof("value") or "")) for p in about_word.parameters}
    assert values == {"word": ("text", "今日"), "reading": ("text", "キョー"), "ratio": ("number", 0.5)}
    assert (about_word.morae.first, about_word.morae.count, about_word.text_span.length) == (0, 2, 2)
    assert about_word.work_on
    assert about_whole.parameters[0].count == 1
    assert not about_whole.HasField("morae")
    assert not about_whole.HasField("text_span")


async def test_what_could_not_be_judged(speech: Speech, served: Served) -> None:
    verdict = Assessment(full_assessment().versions, UnassessableReason.NO_SPEECH)
    speech.add_attempt(attempt(assessment=verdict, transcript=Transcript()))
    got = await get(served)
    assert not got.assessment.assessable
    assert got.assessment.unassessable_reason == assessment_pb2.UNASSESSABLE_REASON_NO_SPEECH
    assert not got.assessment.scores.ListFields()
    assert not got.assessment.HasField("reference")
    assert not got.assessment.HasField("matched_answer")
    assert not got.transcript.HasField("confidence")


async def test_somebody_elses_attempt_is_none(speech: Speech, served: Served) -> None:
    speech.add_attempt(attempt(user_id=OTHER_LEARNER))
    failure = await refused(get(served))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, Reason.ATTEMPT_NOT_FOUND)
    assert failure.metadata == {"attempt_id": attempt().id}
