"""GetAttemptAudio: the recording as it was kept, in other formats, or a stretch of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from kaiwa.speech.v1 import audio_pb2, span_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from server.errors import Reason
from server.speech.domain.attempt import StoredAudio
from tests.support.rpc import Served
from tests.support.speech import Speech, attempt, silence, spoken
from tests.support.talk import TOKEN, refused, speaking

KEY = "attempts/one.flac"
SAMPLES = silence(1) + spoken(2)


@pytest.fixture
def speech() -> Speech:
    speech = Speech()
    kept = StoredAudio(KEY, "audio/flac", 16000, len(SAMPLES) + 4)
    speech.add_attempt(attempt(audio=kept, audio_seconds=3.0))
    speech.store.files[KEY] = b"fLaC" + SAMPLES
    return speech


@pytest.fixture
async def served(speech: Speech) -> AsyncIterator[Served]:
    async with speaking(speech) as running:
        yield running


def span(start: float, end: float) -> span_pb2.AudioSpan:
    begin, finish = (Duration(seconds=int(at), nanos=round(at % 1 * 1e9)) for at in (start, end))
    return span_pb2.AudioSpan(start=begin, end=finish)


async def fetch(served: Served, **fields: object) -> list[pb.GetAttemptAudioResponse]:
    request = pb.GetAttemptAudioRequest(attempt_id=attempt().id, **fields)  # type: ignore[arg-type]
    return [part async for part in SpeechServiceStub(served.channel).GetAttemptAudio(request, metadata=TOKEN)]


async def test_a_header_and_then_pieces_of_the_file(served: Served) -> None:
    header, *parts = await fetch(served)
    assert header.header.format == audio_pb2.AUDIO_FILE_FORMAT_WAV
    assert (header.header.content_type, header.header.sample_rate_hertz) == ("audio/wav", 16000)
    data = b"".join(part.audio for part in parts)
    assert data == b"RIFF" + SAMPLES
    assert header.header.size_bytes == len(data)
    assert [len(part.audio) for part in parts] == [65_536, len(data) - 65_536]


@pytest.mark.parametrize(
    ("wanted", "magic", "content_type"),
    [
        (audio_pb2.AUDIO_FILE_FORMAT_OGG_OPUS, b"OggS", "audio/ogg; codecs=opus"),
        (audio_pb2.AUDIO_FILE_FORMAT_FLAC, b"fLaC", "audio/flac"),
        (audio_pb2.AUDIO_FILE_FORMAT_LINEAR16, b"", "audio/L16"),
    ],
)
async def test_formats(
    served: Served, wanted: audio_pb2.AudioFileFormat.ValueType, magic: bytes, content_type: str
) -> None:
    header, *parts = await fetch(served, format=wanted)
    assert (header.header.format, header.header.content_type) == (wanted, content_type)
    assert b"".join(part.audio for part in parts) == magic + SAMPLES


@pytest.mark.parametrize(("start", "end"), [(0.5, 1.5), (2.5, 9.0), (0.0, 3.0)])
async def test_a_stretch(served: Served, start: float, end: float) -> None:
    _, *parts = await fetch(served, span=span(start, end), format=audio_pb2.AUDIO_FILE_FORMAT_LINEAR16)
    assert b"".join(part.audio for part in parts) == SAMPLES[int(start * 32000) : int(end * 32000)]


@pytest.mark.parametrize(("start", "end"), [(3.0, 4.0), (1.0, 1.0), (2.0, 1.0)])
async def test_a_stretch_that_is_not_there(served: Served, start: float, end: float) -> None:
    failure = await refused(fetch(served, span=span(start, end)))
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, Reason.SPAN_OUT_OF_RANGE)
    assert failure.metadata == {"field": "span", "attempt_id": attempt().id}


async def test_a_recording_that_is_gone(speech: Speech, served: Served) -> None:
    speech.store.files.clear()
    failure = await refused(fetch(served))
    assert (failure.code, failure.reason) == (grpc.StatusCode.NOT_FOUND, Reason.ATTEMPT_AUDIO_NOT_KEPT)
    assert failure.metadata == {"attempt_id": attempt().id}


async def test_a_recording_that_was_not_kept(speech: Speech, served: Served) -> None:
    speech.add_attempt(attempt(audio=None))
    assert (await refused(fetch(served))).reason == Reason.ATTEMPT_AUDIO_NOT_KEPT


async def test_no_attempt(speech: Speech, served: Served) -> None:
    speech.state.attempts.clear()
    assert (await refused(fetch(served))).reason == Reason.ATTEMPT_NOT_FOUND


async def test_a_store_that_is_away(speech: Speech, served: Served) -> None:
    speech.store.away = True
    failure = await refused(fetch(served))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, Reason.STORAGE_UNAVAILABLE)
    assert failure.retry_seconds
