"""Practice: a bidirectional stream, over a real port, with scripted engines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kaiwa.speech.v1 import audio_pb2, practice_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.practice_purpose_pb2 import PRACTICE_PURPOSE_REVIEW as REVIEW
from server.errors import Reason, ResourceExhausted
from server.kernel.identity import UserId
from server.speech.practice_config import PracticeLimits
from tests.support.rpc import Served
from tests.support.speech import (
    CARD,
    LEARNER,
    PRACTICE,
    SENTENCE,
    Speech,
    caller,
    chunks,
    file_config,
    practice_config,
    recording,
    said,
    settle,
    silence,
    spoken,
    stream,
)
from tests.support.talk import Talk, config, speaking

Code = grpc.StatusCode
OTHER = "0198c0de-0000-7000-9000-00000000ffff"


@pytest.fixture
def speech() -> Speech:
    return Speech()


@pytest.fixture
async def served(speech: Speech) -> AsyncIterator[Served]:
    async with speaking(speech) as running:
        yield running


async def test_a_practice_from_start_to_end(speech: Speech, served: Served) -> None:
    speech.add_sentence()
    async with Talk(served) as talk:
        ready = await talk.begin(sentence_id=SENTENCE.id)
        assert ready.sequence == 1
        assert ready.ready.reference.reading == "キョーワアメダ"
        assert len(ready.ready.reference.morae) == 6
        assert ready.ready.limits.longest_chunk_bytes == 65_536
        await talk.send(*chunks(silence(0.5) + spoken(1.6) + silence(0.4)))
        await talk.finish()
        await talk.rest()
    assert talk.kinds() == ["ready", "speech_started", "speech_ended", "transcript", "assessment", "saved"]
    assert [event.sequence for event in talk.events] == sorted({event.sequence for event in talk.events})
    by_kind = {event.WhichOneof("event"): event for event in talk.events}
    assert by_kind["speech_started"].speech_started.start.ToTimedelta().total_seconds() == pytest.approx(0.5, abs=0.04)
    partial = by_kind["partial"].partial
    assert partial.morae_total == 6
    assert by_kind["speech_ended"].speech_ended.cause == practice_pb2.SPEECH_END_CAUSE_CLIENT_FINISHED
    assert by_kind["transcript"].transcript.text == "今日は雨だ"
    assert by_kind["transcript"].transcript.reading == "キョーワアメダ"
    assert by_kind["transcript"].transcript.confidence == pytest.approx(0.9)
    assessment = by_kind["assessment"].assessment
    assert assessment.assessable
    assert assessment.scores.accuracy == 100
    assert not assessment.scores.HasField("prosody")
    saved = by_kind["saved"].saved
    attempt, _ = speech.state.attempts[saved.attempt_id]
    assert attempt.sentence_id == SENTENCE.id
    assert attempt.audio is not None
    assert attempt.audio_seconds == pytest.approx(2.5)
    assert attempt.audio.key in speech.store.files
    assert len(speech.sessions) == 0


async def test_what_was_said_is_decoded_with_its_margins(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(*chunks(silence(1.0) + spoken(1.0) + silence(1.0)))
        await talk.finish()
        await talk.rest()
    finals = [length for kind, length, _ in speech.recogniser.calls if kind == "final"]
    assert finals == [pytest.approx(0.25 + 1.0 + 0.3, abs=0.05)]


async def test_nothing_said_asks_no_recogniser(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(*chunks(silence(2.0)))
        await talk.finish()
        await talk.rest()
    assert talk.kinds() == ["ready", "speech_ended", "transcript", "assessment", "saved"]
    assert talk.events[-3].transcript.text == ""
    assert not talk.events[-3].transcript.HasField("confidence")
    assert not talk.events[-2].assessment.assessable
    assert talk.events[-2].assessment.unassessable_reason == 1
    assert not talk.events[-2].assessment.scores.HasField("overall")
    assert speech.recogniser.calls == []


async def test_the_client_may_close_its_half_instead(served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(spoken(1.0))
        await talk.close()
        await talk.rest()
    assert talk.kinds()[-1] == "saved"


async def test_silence_ends_the_utterance_when_asked(served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin(endpointing=practice_pb2.Endpointing(finish_on_silence=True))
        # What follows the end, which the client can't know yet, is dropped.
        await talk.send(spoken(1.0), silence(0.9), spoken(0.1))
        ended = await talk.until("speech_ended")
        await talk.rest()
    assert ended.speech_ended.cause == practice_pb2.SPEECH_END_CAUSE_SILENCE
    assert talk.kinds()[-1] == "saved"


async def test_no_config_first(served: Served) -> None:
    async with Talk(served) as talk:
        await talk.send(b"\0\0")
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.CONFIG_REQUIRED)
    assert failure.fields == ("config",)


async def test_a_stream_closed_at_once(served: Served) -> None:
    async with Talk(served) as talk:
        await talk.close()
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.CONFIG_REQUIRED)


async def test_two_configs(served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(pb.PracticeRequest(config=config()))
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.CONFIG_REPEATED)
    assert failure.fields == ("config",)


async def test_audio_after_finish_loses_nothing(speech: Speech, served: Served) -> None:
    speech.recogniser.gate.clear()
    async with Talk(served) as talk:
        await talk.begin(return_options=practice_pb2.ReturnOptions(partials=False))
        await talk.send(spoken(1.0))
        await talk.finish()
        await talk.send(spoken(0.1))
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.AUDIO_AFTER_FINISH)
    assert failure.fields == ("audio",)
    speech.recogniser.gate.set()
    await speech.sessions.wait_until_none()
    assert len(speech.state.attempts) == 1


async def test_a_chunk_too_large(served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(b"\0" * 65_537)
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.CHUNK_TOO_LARGE)
    assert failure.fields == ("audio",)
    assert failure.metadata == {"field": "audio", "limit_bytes": "65536", "bytes": "65537"}


@pytest.mark.parametrize("rate", [0, 7999, 48_001, 96_000, -1])
async def test_a_wrong_rate(served: Served, rate: int) -> None:
    async with Talk(served) as talk:
        wrong = config()
        wrong.audio_format.sample_rate_hertz = rate
        await talk.send(pb.PracticeRequest(config=wrong))
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.AUDIO_RATE_UNSUPPORTED)
    assert failure.fields == ("config.audio_format.sample_rate_hertz",)
    assert failure.metadata["sample_rate_hertz"] == str(rate)


async def test_an_encoding_that_is_not_decoded_here(served: Served) -> None:
    async with Talk(served) as talk:
        opus = config()
        opus.audio_format.encoding = audio_pb2.AUDIO_ENCODING_OPUS
        await talk.send(pb.PracticeRequest(config=opus))
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.AUDIO_ENCODING_UNSUPPORTED)
    assert failure.fields == ("config.audio_format.encoding",)


async def test_an_utterance_too_long(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin(return_options=practice_pb2.ReturnOptions(partials=False))
        await talk.send(*chunks(silence(30.0), 64_000))
        await talk.send(b"\0\0")
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.OUT_OF_RANGE, Reason.UTTERANCE_TOO_LONG)
    assert failure.metadata == {"field": "audio", "limit_seconds": "30"}
    assert speech.state.attempts == {}
    assert len(speech.sessions) == 0
    assert "NEAR_LIMIT" in talk.notices()


async def test_or_it_is_cut_where_the_client_asked_for_that(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin(
            endpointing=practice_pb2.Endpointing(finish_at_limit=True),
            return_options=practice_pb2.ReturnOptions(partials=False),
        )
        await talk.send(*chunks(spoken(15.0) + silence(16.0), 64_000))
        await talk.rest()
    assert "UTTERANCE_CUT" in talk.notices()
    (stored,) = [attempt for attempt, _ in speech.state.attempts.values()]
    assert stored.audio_seconds == pytest.approx(30.0)


async def test_free_speech_may_be_longer_and_is_decoded_in_pieces(speech: Speech, served: Served) -> None:
    speech.recogniser.finals = [said("学校"), said("です"), said("よ")]
    speech.recogniser.partials = [said("")]
    async with Talk(served) as talk:
        ready = await talk.begin(free=True)
        assert not ready.ready.HasField("reference")
        for _ in range(3):
            await talk.send(*chunks(spoken(14.0) + silence(1.0), 64_000))
        await talk.finish()
        await talk.rest()
    transcript = next(event.transcript for event in talk.events if event.HasField("transcript"))
    assert transcript.text == "学校ですよ"
    assert len(transcript.segments) == 3
    finals = [length for kind, length, _ in speech.recogniser.calls if kind == "final"]
    assert all(length <= 30.0 for length in finals)
    assessment = next(event.assessment for event in talk.events if event.HasField("assessment"))
    assert not assessment.scores.HasField("accuracy")


async def test_a_silent_client_that_sends_no_config(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        waiting = asyncio.ensure_future(talk.failure())
        while not speech.time.waiting:
            await settle(1)
        await speech.time.advance(10.1)
        failure = await waiting
    assert (failure.code, failure.reason) == (Code.DEADLINE_EXCEEDED, Reason.IDLE_TIMEOUT)
    assert failure.metadata == {"limit_seconds": "10"}


async def test_an_idle_stream_can_be_resumed(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(spoken(1.0))
        await talk.until("partial")
        await speech.time.advance(10.1)
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.DEADLINE_EXCEEDED, Reason.IDLE_TIMEOUT)
    async with Talk(served) as again:
        ready = await again.begin()
        assert ready.ready.resume_offset == 32_000
        await again.finish()
        await again.rest()
    assert "RESUMED" in again.notices()
    assert again.kinds() == ["ready", "speech_started", "speech_ended", "transcript", "assessment", "saved"]


async def test_empty_audio_does_not_count_against_idleness(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await speech.time.advance(6)
        await talk.send(b"")
        await speech.time.advance(4.1)
        assert (await talk.failure()).reason == Reason.IDLE_TIMEOUT


async def test_an_unknown_sentence(served: Served) -> None:
    async with Talk(served) as talk:
        await talk.send(pb.PracticeRequest(config=config(sentence_id=OTHER)))
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.NOT_FOUND, Reason.SENTENCE_NOT_FOUND)
    assert failure.metadata["field"] == "config.sentence_id"


async def test_a_sentence_of_somebody_else_is_as_unknown(speech: Speech, served: Served) -> None:
    speech.add_sentence(owner=UserId(OTHER))
    async with Talk(served) as talk:
        await talk.send(pb.PracticeRequest(config=config(sentence_id=SENTENCE.id)))
        assert (await talk.failure()).reason == Reason.SENTENCE_NOT_FOUND


@pytest.mark.parametrize("text", ["!?", "hello", "…", "😀"])
async def test_a_text_that_cannot_be_read(served: Served, text: str) -> None:
    async with Talk(served) as talk:
        await talk.send(pb.PracticeRequest(config=config(reference_text=text)))
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.UNREADABLE_TEXT)
    assert failure.fields == ("config.reference_text",)


async def test_a_token_that_expires_in_mid_utterance_finishes_it(speech: Speech) -> None:
    soon = caller(expires_at=speech.clock.now() + timedelta(seconds=30))
    async with speaking(speech, soon) as served, Talk(served) as talk:
        await talk.begin()
        await talk.send(spoken(1.0))
        await talk.until("speech_started")
        live = speech.sessions.get(LEARNER, PRACTICE)
        for number in range(1, 6):
            await speech.time.advance(7)
            await talk.send(spoken(0.1))
            while live.taken < 32_000 + 3_200 * number:
                await settle(1)
        await talk.finish()
        await talk.rest()
    assert speech.clock.now() > soon.expires_at
    assert "TOKEN_EXPIRING" in talk.notices()
    assert talk.kinds()[-1] == "saved"


async def test_a_token_that_expires_before_anything_is_said(speech: Speech) -> None:
    soon = caller(expires_at=speech.clock.now() + timedelta(seconds=5))
    async with speaking(speech, soon) as served, Talk(served) as talk:
        await talk.begin()
        await talk.send(silence(1.0))
        await speech.time.advance(6)
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.TOKEN_EXPIRED)
    assert "expired_at" in failure.metadata


async def test_a_revoked_session_ends_the_stream(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(spoken(1.0))
        await talk.until("speech_started")
        speech.ended_sign_ins.add(caller().session_id)
        await speech.time.advance(6)
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.UNAUTHENTICATED, Reason.SESSION_REVOKED)


async def test_a_cancelled_stream_leaves_nothing_behind_after_its_window(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(spoken(1.0))
        await talk.until("partial")
    while speech.sessions.get(LEARNER, PRACTICE).attached:
        await settle(1)
    await speech.time.advance(61)
    assert len(speech.sessions) == 0
    assert speech.state.attempts == {}
    assert speech.store.files == {}


async def test_a_stream_cut_after_the_finish_is_stored_and_answered_later(speech: Speech, served: Served) -> None:
    speech.recogniser.gate.clear()
    async with Talk(served) as talk:
        await talk.begin(return_options=practice_pb2.ReturnOptions(partials=False))
        await talk.send(spoken(1.0))
        await talk.finish()
        await talk.until("speech_ended")
    speech.recogniser.gate.set()
    await speech.sessions.wait_until_none()
    async with Talk(served) as again:
        await again.begin(return_options=practice_pb2.ReturnOptions(partials=False))
        await again.rest()
    assert again.kinds() == ["ready", "transcript", "assessment", "saved"]
    assert len(speech.state.attempts) == 1


async def test_a_second_stream_takes_over(served: Served) -> None:
    async with Talk(served) as first, Talk(served) as second:
        await first.begin()
        await first.send(spoken(1.0))
        await first.until("speech_started")
        ready = await second.begin()
        assert ready.ready.resume_offset == 32_000
        failure = await first.failure()
        await second.finish()
        await second.rest()
    assert (failure.code, failure.reason) == (Code.ABORTED, Reason.PRACTICE_TAKEN_OVER)
    assert second.kinds()[-1] == "saved"


async def test_the_same_id_for_something_else(served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        async with Talk(served) as other:
            await other.send(pb.PracticeRequest(config=config(reference_text="学校です")))
            failure = await other.failure()
    assert (failure.code, failure.reason) == (Code.ALREADY_EXISTS, Reason.PRACTICE_ID_REUSED)
    assert failure.metadata == {"practice_id": PRACTICE}


async def test_too_many_streams(served: Served) -> None:
    async with Talk(served) as one, Talk(served) as two, Talk(served) as three:
        await one.begin()
        await two.begin(practice_id=OTHER[:-1] + "1")
        await three.send(pb.PracticeRequest(config=config(practice_id=OTHER[:-1] + "2")))
        failure = await three.failure()
    assert (failure.code, failure.reason) == (Code.RESOURCE_EXHAUSTED, Reason.TOO_MANY_STREAMS)
    assert failure.metadata == {"limit": "2"}
    assert failure.retry_seconds is not None


async def test_the_daily_limit() -> None:
    speech = Speech(PracticeLimits(audio_seconds_a_day=1))
    await speech.assess(file_config(), recording(spoken(1.5)))
    async with speaking(speech) as served, Talk(served) as talk:
        await talk.send(pb.PracticeRequest(config=config(practice_id=OTHER)))
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.RESOURCE_EXHAUSTED, Reason.DAILY_AUDIO_LIMIT)
    # Noon in UTC; the day turns at four.
    assert failure.retry_seconds == 16 * 3600


async def test_a_full_server() -> None:
    speech = Speech(streams=1)
    async with speaking(speech) as served, Talk(served) as one, Talk(served) as two:
        await one.begin()
        await two.send(pb.PracticeRequest(config=config(practice_id=OTHER)))
        failure = await two.failure()
    assert (failure.code, failure.reason) == (Code.RESOURCE_EXHAUSTED, Reason.SPEECH_OVERLOADED)
    assert failure.retry_seconds is not None


async def test_a_slow_reader_gets_the_latest_partial_and_every_result(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        for piece in chunks(spoken(20.0), 9600):
            await talk.send(piece)
        await talk.finish()
        await speech.sessions.wait_until_none()
        await talk.rest()
    assert talk.kinds() == ["ready", "speech_started", "speech_ended", "transcript", "assessment", "saved"]


async def test_the_server_shuts_down_while_someone_speaks(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(spoken(1.0))
        await talk.until("speech_started")
        await served.server.drain(timedelta(0))
        speech.sessions.drain()
        await talk.send(spoken(0.5))
        await talk.until("notice")
        async with Talk(served) as late:
            await late.send(pb.PracticeRequest(config=config(practice_id=OTHER)))
            refused = await late.failure()
        speech.sessions.end_all()
        failure = await talk.failure()
    assert talk.notices() == ["DRAINING"]
    assert (refused.code, refused.reason) == (Code.UNAVAILABLE, Reason.SHUTTING_DOWN)
    assert (failure.code, failure.reason) == (Code.UNAVAILABLE, Reason.SHUTTING_DOWN)
    assert failure.retry_seconds is not None


async def test_who_finishes_within_the_grace_loses_nothing(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(spoken(1.0))
        await talk.until("speech_started")
        await served.server.drain(timedelta(0))
        speech.sessions.drain()
        await talk.finish()
        await talk.rest()
    assert talk.kinds()[-1] == "saved"


async def test_the_database_is_away_for_five_seconds(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(spoken(1.0))
        await talk.until("partial")
        speech.database.away = 4
        await talk.finish()
        await talk.until("assessment")
        await talk.until("notice")
        await speech.time.advance(7.6)
        await talk.rest()
    assert talk.notices() == ["SAVING_DELAYED"]
    assert talk.kinds()[-1] == "saved"
    assert len(speech.state.attempts) == 1


async def test_the_database_stays_away(speech: Speech, served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(spoken(1.0))
        speech.database.away = 1000
        await talk.finish()
        await talk.until("assessment")
        await talk.until("notice")
        await speech.time.advance(40)
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE)
    assert failure.retry_seconds is not None
    assert len(speech.sessions) == 0


async def test_the_database_is_away_at_the_start(speech: Speech, served: Served) -> None:
    speech.database.away = 1
    async with Talk(served) as talk:
        await talk.send(pb.PracticeRequest(config=config()))
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.UNAVAILABLE, Reason.DATABASE_UNAVAILABLE)


async def test_the_audio_store_is_away(speech: Speech, served: Served) -> None:
    speech.store.away = True
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(spoken(1.0))
        await talk.finish()
        await talk.rest()
    assert "AUDIO_NOT_KEPT" in talk.notices()
    assert not talk.events[-1].saved.audio_kept


async def test_partials_are_given_up_under_load_but_never_the_result(speech: Speech, served: Served) -> None:
    speech.recogniser.partial_fault = ResourceExhausted(Reason.SPEECH_OVERLOADED, "busy")
    async with Talk(served) as talk:
        await talk.begin()
        await talk.send(*chunks(spoken(2.0)))
        await talk.finish()
        await talk.rest()
    assert talk.notices() == ["FALLING_BEHIND"]
    assert talk.kinds()[-1] == "saved"


async def test_an_engine_that_breaks_leaks_nothing(speech: Speech, served: Served) -> None:
    speech.recogniser.crash = ZeroDivisionError("secret-of-the-server")
    async with Talk(served) as talk:
        await talk.begin(return_options=practice_pb2.ReturnOptions(partials=False))
        await talk.send(spoken(1.0))
        await talk.finish()
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.INTERNAL, Reason.INTERNAL)
    assert "secret" not in failure.message
    assert len(speech.sessions) == 0


async def test_a_review_suggests_a_rating(speech: Speech, served: Served) -> None:
    speech.state.cards[CARD] = LEARNER
    async with Talk(served) as talk:
        await talk.begin(purpose=REVIEW, card_id=CARD)
        await talk.send(spoken(1.0))
        await talk.finish()
        await talk.rest()
    assert talk.events[-1].saved.suggested_rating in {3, 4}


async def test_somebody_elses_card(speech: Speech, served: Served) -> None:
    speech.state.cards[CARD] = UserId(OTHER)
    async with Talk(served) as talk:
        await talk.send(pb.PracticeRequest(config=config(purpose=REVIEW, card_id=CARD)))
        failure = await talk.failure()
    assert (failure.code, failure.reason) == (Code.NOT_FOUND, Reason.CARD_NOT_FOUND)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 9000), max_size=30))
def test_chunk_boundaries_change_no_result(cuts: list[int]) -> None:
    audio = silence(0.2) + spoken(0.9) + silence(0.2) + spoken(0.6)

    async def run() -> tuple[object, ...]:
        speech = Speech()
        pieces, at = [], 0
        for cut in cuts:
            pieces.append(audio[at : at + cut])
            at += cut
        pieces.append(audio[at:])
        wanted = practice_config(partials=False)
        events = [n.event async for n in speech.use.practice(caller(), stream([wanted, *[p for p in pieces if p]]))]
        finals = [length for kind, length, _ in speech.recogniser.calls if kind == "final"]
        (stored,) = [attempt for attempt, _ in speech.state.attempts.values()]
        return events[-3], events[-2], finals, stored.audio_seconds

    async def whole() -> tuple[object, ...]:
        nonlocal cuts
        kept, cuts = cuts, []
        result = await run()
        cuts = kept
        return result

    assert asyncio.run(run()) == asyncio.run(whole())
