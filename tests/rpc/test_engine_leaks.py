"""An engine or a store that breaks in a way nobody thought of tells the client nothing of itself."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import cast

import grpc
import pytest

from kaiwa.speech.v1 import audio_pb2, practice_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1 import speech_service_pb2_grpc as rpc
from server.errors import Reason
from tests.support.rpc import Served, failure_of
from tests.support.secrets import SECRET, Log, internals, logging_as_in_production, told
from tests.support.speech import LEARNER, PRACTICE, SENTENCE, Speech, attempt, chunks, recording, silence, spoken
from tests.support.talk import TOKEN, config, speaking

FILE = recording(silence(0.5), spoken(2.0), silence(0.5))

Use = Callable[[grpc.aio.Channel], Awaitable[object]]


@pytest.fixture
def log() -> Iterator[Log]:
    with logging_as_in_production() as kept:
        yield kept


@pytest.fixture
def speech() -> Speech:
    """With a stored attempt that has a recording."""
    made = Speech()
    kept = attempt()
    made.add_attempt(kept)
    assert kept.audio is not None
    made.store.files[kept.audio.key] = b"fLaC" + spoken(1.0)
    return made


@pytest.fixture
async def served(speech: Speech) -> AsyncIterator[Served]:
    async with speaking(speech) as running:
        yield running


async def transcribe(channel: grpc.aio.Channel) -> None:
    await rpc.SpeechServiceStub(channel).Transcribe(pb.TranscribeRequest(audio=FILE), metadata=TOKEN, timeout=20)


async def assess(channel: grpc.aio.Channel) -> None:
    async def messages() -> AsyncIterator[pb.AssessRecordingRequest]:
        about = pb.AssessRecordingConfig(practice_id=PRACTICE, reference_text=SENTENCE.japanese)
        yield pb.AssessRecordingRequest(config=about)
        for chunk in chunks(FILE):
            yield pb.AssessRecordingRequest(audio=chunk)

    await rpc.SpeechServiceStub(channel).AssessRecording(messages(), metadata=TOKEN, timeout=20)


async def practise(channel: grpc.aio.Channel) -> None:
    stream = rpc.SpeechServiceStub(channel).Practice(metadata=TOKEN, timeout=20)

    async def read_until(kind: str) -> None:
        while (event := await stream.read()) is not grpc.aio.EOF:
            if cast("pb.PracticeResponse", event).WhichOneof("event") == kind:
                return

    # Never ahead of the server: gRPC's client forgets why a call ended when it was just sending.
    await stream.write(pb.PracticeRequest(config=config()))
    await read_until("ready")
    await stream.write(pb.PracticeRequest(audio=spoken(2.0)))
    await read_until("partial")
    await stream.write(pb.PracticeRequest(finish=practice_pb2.PracticeFinish()))
    await read_until("the end")


async def listen(channel: grpc.aio.Channel) -> None:
    request = pb.GetAttemptAudioRequest(attempt_id=attempt().id, format=audio_pb2.AUDIO_FILE_FORMAT_OGG_OPUS)
    async for _ in rpc.SpeechServiceStub(channel).GetAttemptAudio(request, metadata=TOKEN, timeout=20):
        pass


async def delete(channel: grpc.aio.Channel) -> None:
    request = pb.DeleteAttemptRequest(attempt_id=attempt().id)
    await rpc.SpeechServiceStub(channel).DeleteAttempt(request, metadata=TOKEN, timeout=20)


BREAKS: list[tuple[Use, str, str]] = [
    *((transcribe, *part) for part in [("files", "decode"), ("voice", "open"), ("recogniser", "final")]),
    (transcribe, "analyser", "words"),
    *((assess, *part) for part in [("files", "decode"), ("voice", "open"), ("recogniser", "final")]),
    *((assess, *part) for part in [("analyser", "words"), ("transcoder", "flac"), ("store", "put")]),
    *((practise, *part) for part in [("pcm", "open"), ("voice", "open"), ("recogniser", "partial")]),
    *((practise, *part) for part in [("recogniser", "final"), ("analyser", "words")]),
    *((practise, *part) for part in [("transcoder", "flac"), ("store", "put")]),
    *((listen, *part) for part in [("store", "get"), ("transcoder", "read_flac"), ("transcoder", "ogg_opus")]),
    (delete, "store", "delete"),
]


@pytest.mark.parametrize(
    ("use", "engine", "part"), BREAKS, ids=[f"{use.__name__}-{engine}.{part}" for use, engine, part in BREAKS]
)
async def test_what_breaks_is_known_by_an_id_only(
    speech: Speech, served: Served, log: Log, monkeypatch: pytest.MonkeyPatch, use: Use, engine: str, part: str
) -> None:
    def broken(*_: object, **__: object) -> object:
        raise RuntimeError(f"{SECRET} in /srv/kaiwa/server/adapters/engine.py")

    monkeypatch.setattr(getattr(speech, engine), part, broken)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await use(served.channel)
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INTERNAL, Reason.INTERNAL)
    assert internals(told(caught.value)) == []
    assert list(failure.metadata) == ["error_id"]
    line = log.of(str(uuid.UUID(failure.metadata["error_id"])))
    assert SECRET in str(line["exception"])
    assert all(line.get("user_id", LEARNER) == LEARNER for line in log.lines)
    assert len(speech.sessions) == 0


async def test_nothing_breaks_by_itself(speech: Speech, served: Served, log: Log) -> None:
    """Each use is one that goes well while nothing is broken, so that what broke above was broken on purpose."""
    for use in (transcribe, practise, listen, delete):
        await use(served.channel)
    assert [line["code"] for line in log.lines] == ["OK"] * 4
