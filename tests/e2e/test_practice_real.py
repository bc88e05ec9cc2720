"""Practices of real recordings on real parts: Whisper, PostgreSQL, files, the native stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import grpc
import numpy as np
import pytest

from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.practice_pb2 import ReturnOptions
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from server.speech.domain.comparison import error_rate
from server.speech.domain.morae import normal_morae
from tests.support.real_practice import (
    CHUNK,
    Outcome,
    Talk,
    Unassessable,
    clips,
    config,
    linear16,
    needs_recordings,
    pieces,
    practise,
)
from tests.support.real_server import Learner, RealServer

pytestmark = [pytest.mark.e2e, pytest.mark.slow, needs_recordings]

CLIPS = clips("speech")
WORDS = ("tofugu-042", "tofugu-049", "tofugu-061", "tofugu-100", "tofugu-133")
SENTENCES = ("julius-sample", "cv-41776640", "cv-25371066", "cv-36360364", "cv-19482489", "cv-24511055")
NOT_NATIVE = ("mfa-nonnative-slow", "mfa-nonnative-fast")
CLEAR = (*WORDS, *SENTENCES, *NOT_NATIVE)
"""Recordings that the smallest weights understand: every kind of speaker, from 0.7 to 7.1 s."""


@pytest.fixture
async def channel(real_server: RealServer) -> AsyncIterator[grpc.aio.Channel]:
    async with real_server.channel() as channel:
        yield channel


def kana_error(outcome: Outcome) -> float:
    """How far what was heard is from what was to be read."""
    expected = normal_morae(outcome.ready.reference.reading)
    assert expected
    return error_rate(expected, normal_morae(outcome.transcript.reading))


def characters(text: str) -> str:
    """A text without punctuation, which is not said."""
    return "".join(character for character in text if character.isalnum())


@pytest.mark.parametrize("name", CLEAR)
async def test_what_was_read_is_heard_scored_and_kept(channel: grpc.aio.Channel, someone: Learner, name: str) -> None:
    clip = CLIPS[name]
    audio = linear16(clip.samples)
    outcome = await practise(channel, someone, config(clip.text), pieces(audio, CHUNK))

    assert outcome.kinds() == ["ready", "speech_started", "speech_ended", "transcript", "assessment", "saved"]
    assert [event.sequence for event in outcome.events] == list(range(1, len(outcome.events) + 1))
    assert outcome.ready.reference.text == clip.text
    transcript, assessment = outcome.transcript, outcome.assessment
    assert kana_error(outcome) <= 0.15, transcript.text
    assert transcript.language == "ja"
    assert 0.3 < transcript.confidence <= 1
    assert assessment.assessable
    assert assessment.scores.overall >= 80
    assert assessment.scores.completeness >= 80
    assert [mora.mora for mora in assessment.morae] == [mora.mora for mora in outcome.ready.reference.morae]
    assert "".join(word.text for word in assessment.words)

    speech = SpeechServiceStub(channel)
    listed = await speech.ListAttempts(pb.ListAttemptsRequest(), metadata=someone.metadata, timeout=10)
    (attempt,) = listed.attempts
    assert attempt.attempt_id == outcome.saved.attempt_id
    assert attempt.transcript.text == transcript.text
    assert attempt.assessment.scores == assessment.scores
    assert attempt.reference_text == clip.text
    assert attempt.audio_duration.ToTimedelta().total_seconds() == pytest.approx(len(audio) / 32_000, abs=1e-3)
    request = pb.GetAttemptRequest(attempt_id=attempt.attempt_id)
    stored = (await speech.GetAttempt(request, metadata=someone.metadata, timeout=10)).attempt
    assert stored.transcript == transcript
    assert stored.assessment.morae == assessment.morae


@pytest.mark.parametrize("name", ["julius-sample", "cv-41776640", "cv-25371066", "mfa-nonnative-fast"])
async def test_partials_come_while_a_sentence_is_read(channel: grpc.aio.Channel, someone: Learner, name: str) -> None:
    clip = CLIPS[name]
    audio = linear16(clip.samples)
    half = len(audio) * 6 // 10
    async with Talk(channel, someone) as talk:
        await talk.begin(config(clip.text))
        # The learner goes on only when there was an answer, so both partials come before the end of the audio.
        await talk.send(pieces(audio[:half], CHUNK))
        first = await talk.until("partial")
        await talk.send(pieces(audio[half:-CHUNK], CHUNK))
        # Text and position come each in its own time.
        second = await talk.until(
            "partial",
            lambda event: event.audio_offset.ToMicroseconds() > half / 32 * 1000 and event.partial.morae_read > 0,
        )
        await talk.send([audio[-CHUNK:]])
        await talk.finish()
        outcome = await talk.rest()
    assert first.sequence < second.sequence
    assert 0 < second.partial.morae_read <= second.partial.morae_total == len(outcome.ready.reference.morae)
    settled = ""
    for partial in outcome.partials:
        assert partial.stable_text.startswith(settled), "what was settled was taken back"
        # The position and the pitch are known before any text.
        assert partial.stable_text + partial.unstable_text or partial.morae_read or partial.pitch
        settled = partial.stable_text
    assert outcome.assessment.assessable


@pytest.mark.parametrize("name", WORDS)
async def test_a_partial_comes_while_a_word_is_read(channel: grpc.aio.Channel, someone: Learner, name: str) -> None:
    clip = CLIPS[name]
    async with Talk(channel, someone) as talk:
        await talk.begin(config(clip.text))
        await talk.send(pieces(linear16(clip.samples), CHUNK))
        # Nothing has said that this is all.
        said = await talk.until("partial", lambda event: bool(event.partial.stable_text + event.partial.unstable_text))
        partial = said.partial
        await talk.finish()
        outcome = await talk.rest()
    assert partial.stable_text + partial.unstable_text
    assert outcome.transcript.text


@pytest.mark.parametrize("name", ["tofugu-042", "julius-sample", "cv-41776640", "mfa-nonnative-slow"])
async def test_the_result_does_not_depend_on_how_audio_is_cut(
    channel: grpc.aio.Channel, someone: Learner, name: str
) -> None:
    clip = CLIPS[name]
    audio = linear16(clip.samples)
    results = [
        (await practise(channel, someone, config(clip.text), pieces(audio, *sizes))).result
        for sizes in ((1, 1, 333, 7, 4_801), (320,), (65_536,))
    ]
    assert results[0][0].text
    assert results[1:] == results[:1] * 2


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
@pytest.mark.parametrize("name", ["tofugu-042", "julius-sample", "cv-41776640"])
async def test_other_sample_rates(channel: grpc.aio.Channel, someone: Learner, name: str, rate: int) -> None:
    clip = CLIPS[name]
    audio = linear16(clip.samples, rate)
    outcome = await practise(channel, someone, config(clip.text, rate=rate), pieces(audio, rate // 5))
    assert kana_error(outcome) <= 0.2, outcome.transcript.text
    assert outcome.assessment.assessable
    assert outcome.assessment.scores.overall >= 75


@pytest.mark.parametrize("name", ["julius-sample", "cv-41776640", "cv-24511055", "mfa-nonnative-slow", "tofugu-042"])
async def test_something_else_than_the_sentence_gets_no_score(
    channel: grpc.aio.Channel, someone: Learner, name: str
) -> None:
    for other in ("彼は来年大学を卒業する予定です。", "すみません、駅はどこですか。"):
        outcome = await practise(channel, someone, config(other), pieces(linear16(CLIPS[name].samples), CHUNK))
        assert outcome.transcript.text
        if outcome.assessment.assessable:
            assert outcome.assessment.scores.overall <= 20, (other, outcome.transcript.text)
        else:
            assert outcome.assessment.unassessable_reason == Unassessable.UNASSESSABLE_REASON_OTHER_CONTENT
            assert outcome.assessment.scores.ByteSize() == 0
        assert outcome.saved.attempt_id


@pytest.mark.parametrize("partials", [True, False])
async def test_long_free_speech_loses_no_sentence(
    channel: grpc.aio.Channel, someone: Learner, *, partials: bool
) -> None:
    names = [name for name in CLEAR if name not in WORDS]
    pause = np.zeros(8_000, np.float32)
    audio = np.concatenate([part for name in names for part in (CLIPS[name].samples, pause)])
    assert len(audio) > 30 * 16_000
    asked = config(return_options=ReturnOptions(partials=partials))
    outcome = await practise(channel, someone, asked, pieces(linear16(audio), CHUNK))

    heard = outcome.transcript
    assert len(heard.segments) > 1
    assert "".join(segment.text for segment in heard.segments) == heard.text
    ends = [segment.audio_span.end.ToMilliseconds() for segment in heard.segments]
    assert ends == sorted(ends)
    assert not outcome.partials or partials
    # Free speech is judged for fluency only.
    assert outcome.assessment.assessable
    assert outcome.assessment.scores.HasField("fluency")
    assert not outcome.assessment.scores.HasField("overall")
    said = "".join(CLIPS[name].text for name in names)
    assert error_rate(characters(said), characters(heard.text)) <= 0.3, heard.text
    assert len(characters(heard.text)) >= 0.9 * len(characters(said)), heard.text


async def test_two_practices_at_a_time_do_not_mix(channel: grpc.aio.Channel, someone: Learner) -> None:
    names = ("julius-sample", "cv-41776640")
    both = await asyncio.gather(
        *(
            practise(channel, someone, config(CLIPS[name].text), pieces(linear16(CLIPS[name].samples), CHUNK))
            for name in names
        )
    )
    assert [kana_error(outcome) for outcome in both] == [0, 0]
