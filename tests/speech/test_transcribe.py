"""Transcribe: any file, any length, nothing invented."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.errors import ApplicationError, InvalidInput, Reason, ResourceExhausted
from server.speech.domain.events import Transcript
from server.speech.practice_config import Encoding, PracticeLimits
from server.speech.transcribe import Recording, Transcribed
from tests.support.kernel import NOON
from tests.support.speech import LEARNER, Speech, attempt, caller, recording, said, silence, spoken


@pytest.fixture
def speech() -> Speech:
    return Speech()


async def transcribe(speech: Speech, wanted: Recording) -> Transcribed:
    return await speech.use.transcribe(caller(), wanted)


async def refused(speech: Speech, wanted: Recording) -> ApplicationError:
    with pytest.raises(ApplicationError) as caught:
        await transcribe(speech, wanted)
    return caught.value


async def test_a_file(speech: Speech) -> None:
    done = await transcribe(speech, Recording(recording(silence(1), spoken(2), silence(1)), language="ja"))
    assert (done.transcript.text, done.transcript.reading) == ("今日は雨だ", "キョーワアメダ")
    assert done.transcript.confidence == pytest.approx(0.9)
    assert done.transcript.language == "ja"
    assert (done.seconds, done.speech_model) == (4.0, "scripted-1")
    assert [kind for kind, _, _ in speech.recogniser.calls] == ["final"]
    assert speech.recogniser.calls[0][1] == pytest.approx(2.55, abs=0.1)
    assert speech.recogniser.calls[0][2] == "ja"
    assert speech.state.attempts == {}
    assert speech.store.files == {}


async def test_samples_without_a_container(speech: Speech) -> None:
    done = await transcribe(speech, Recording(spoken(2) + b"\0", Encoding.LINEAR16, 8000))
    assert done.seconds == 4.0
    assert done.transcript.text == "今日は雨だ"
    assert speech.recogniser.calls[0][2] is None


@pytest.mark.parametrize("data", [silence(3), spoken(0.03) + silence(1)], ids=["silence", "a click"])
async def test_where_nobody_speaks_nothing_is_asked(speech: Speech, data: bytes) -> None:
    done = await transcribe(speech, Recording(recording(data)))
    assert done.transcript == Transcript()
    assert speech.recogniser.calls == []


async def test_what_the_recogniser_takes_for_no_speech_is_nothing(speech: Speech) -> None:
    speech.recogniser.finals = [said("")]
    done = await transcribe(speech, Recording(recording(spoken(2))))
    assert done.transcript == Transcript()


async def test_long_silences_are_not_given_to_the_recogniser(speech: Speech) -> None:
    speech.recogniser.finals = [said("今日は"), said("雨だ")]
    done = await transcribe(speech, Recording(recording(spoken(2), silence(20), spoken(1))))
    assert done.transcript.text == "今日は雨だ"
    first, second = done.transcript.segments
    assert first.audio.start == 0
    assert second.audio.start == pytest.approx(21.75, abs=0.05)
    assert second.audio.end == 23.0
    assert [text.place.offset for text in done.transcript.segments] == [0, 3]


async def test_long_speech_is_cut_into_what_a_recogniser_hears_at_once(speech: Speech) -> None:
    done = await transcribe(speech, Recording(recording(spoken(70))))
    lengths = [seconds for _, seconds, _ in speech.recogniser.calls]
    assert max(lengths) <= 28
    assert sum(lengths) == pytest.approx(70, abs=0.1)
    assert len(done.transcript.segments) == len(lengths) == 3


async def test_english_has_no_reading(speech: Speech) -> None:
    speech.recogniser.finals = [said("It rains.", "en")]
    done = await transcribe(speech, Recording(recording(spoken(2))))
    assert (done.transcript.text, done.transcript.reading, done.transcript.language) == ("It rains.", "", "en")


async def test_a_file_that_is_too_large(speech: Speech) -> None:
    error = await refused(speech, Recording(bytes(3_670_017)))
    assert isinstance(error, InvalidInput)
    assert error.reason is Reason.AUDIO_TOO_LARGE
    assert error.metadata == {"field": "audio", "limit_bytes": "3670016"}


async def test_a_file_that_is_too_long(speech: Speech) -> None:
    # A codec packs more than the five minutes into the size that is allowed.
    speech.files.fault = InvalidInput("audio", "is too long", reason=Reason.AUDIO_TOO_LONG)
    assert (await refused(speech, Recording(recording(spoken(1))))).reason is Reason.AUDIO_TOO_LONG


async def test_samples_that_are_too_short(speech: Speech) -> None:
    error = await refused(speech, Recording(spoken(0.09), Encoding.LINEAR16, 16000))
    assert error.reason is Reason.AUDIO_TOO_SHORT
    assert error.metadata == {"field": "audio", "minimum_milliseconds": "100"}


async def test_packets_need_a_container(speech: Speech) -> None:
    error = await refused(speech, Recording(b"x", Encoding.OPUS, 48000))
    assert error.reason is Reason.AUDIO_ENCODING_UNSUPPORTED
    assert error.metadata == {"field": "format.encoding", "encoding": "AUDIO_ENCODING_OPUS"}


@pytest.mark.parametrize("rate", [0, 7999, 48001])
async def test_a_rate_that_does_not_exist(speech: Speech, rate: int) -> None:
    error = await refused(speech, Recording(spoken(1), Encoding.LINEAR16, rate))
    assert error.reason is Reason.AUDIO_RATE_UNSUPPORTED
    assert error.metadata["field"] == "format.sample_rate_hertz"


async def test_a_file_that_is_none(speech: Speech) -> None:
    assert (await refused(speech, Recording(b"%PDF"))).reason is Reason.AUDIO_UNDECODABLE


async def test_the_day_has_a_limit() -> None:
    speech = Speech(PracticeLimits(audio_seconds_a_day=10))
    speech.add_attempt(attempt(1, user_id=LEARNER, audio_seconds=10.0, created_at=NOON - timedelta(hours=7)))
    error = await refused(speech, Recording(recording(spoken(1))))
    assert isinstance(error, ResourceExhausted)
    assert error.reason is Reason.DAILY_AUDIO_LIMIT
    assert error.metadata == {"limit_seconds": "10"}
    assert error.retry_after == timedelta(hours=16)
    speech.clock.advance(timedelta(hours=16))
    assert (await transcribe(speech, Recording(recording(spoken(1))))).transcript.text


async def test_an_engine_with_too_much_to_do(speech: Speech) -> None:
    speech.recogniser.fault = ResourceExhausted(Reason.SPEECH_OVERLOADED, "busy")
    assert (await refused(speech, Recording(recording(spoken(1))))).reason is Reason.SPEECH_OVERLOADED
