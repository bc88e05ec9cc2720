"""OpenPractice: the same practice for clients that cannot stream requests, over a real port."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest

from kaiwa.speech.v1 import practice_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1 import speech_service_pb2_grpc as rpc
from server.errors import Reason
from server.speech.practice import Intake
from tests.support.rpc import Served, failure_of
from tests.support.speech import (
    LEARNER,
    PRACTICE,
    Speech,
    caller,
    chunks,
    practice_config,
    settle,
    silence,
    spoken,
    stream,
)
from tests.support.talk import TOKEN, Talk, config, speaking

Code = grpc.StatusCode
NO_PARTIALS = practice_pb2.ReturnOptions(partials=False)


@pytest.fixture
def speech() -> Speech:
    return Speech()


@pytest.fixture
async def served(speech: Speech) -> AsyncIterator[Served]:
    async with speaking(speech) as running:
        yield running


async def test_pushed_audio_gives_what_streamed_audio_gives(speech: Speech, served: Served) -> None:
    audio = silence(0.4) + spoken(1.5) + silence(0.2)
    stub = rpc.SpeechServiceStub(served.channel)
    opened = stub.OpenPractice(
        pb.OpenPracticeRequest(config=config(return_options=NO_PARTIALS)), metadata=TOKEN, timeout=30
    )
    ready = await opened.read()
    assert isinstance(ready, pb.OpenPracticeResponse)
    assert ready.ready.resume_offset == 0
    offset = 0
    for piece in chunks(audio, 5001):
        answer = await stub.PushPracticeAudio(
            pb.PushPracticeAudioRequest(practice_id=PRACTICE, offset=offset, audio=piece), metadata=TOKEN
        )
        offset += len(piece)
        assert answer.acknowledged_offset == offset
    finished = await stub.FinishPractice(
        pb.FinishPracticeRequest(practice_id=PRACTICE, final_offset=len(audio)), metadata=TOKEN
    )
    assert finished.acknowledged_offset == len(audio)
    web = [ready]
    while (event := await opened.read()) is not grpc.aio.EOF:
        assert isinstance(event, pb.OpenPracticeResponse)
        web.append(event)

    other = Speech()
    pieces: list[Intake] = [practice_config(partials=False), *chunks(audio)]
    native = [numbered.event async for numbered in other.use.practice(caller(), stream(pieces))]
    kinds = [event.WhichOneof("event") for event in web]
    assert kinds == ["ready", "speech_started", "speech_ended", "transcript", "assessment", "saved"]
    assert len(native) == len(web)
    (mine,) = [attempt for attempt, _ in speech.state.attempts.values()]
    (theirs,) = [attempt for attempt, _ in other.state.attempts.values()]
    assert mine.assessment == theirs.assessment
    assert mine.transcript == theirs.transcript
    assert speech.store.files.popitem()[1] == other.store.files.popitem()[1]


async def test_a_stream_that_breaks_is_resumed_where_the_audio_is(speech: Speech, served: Served) -> None:
    stub = rpc.SpeechServiceStub(served.channel)
    request = pb.OpenPracticeRequest(config=config())
    broken = stub.OpenPractice(request, metadata=TOKEN, timeout=30)
    await broken.read()
    await stub.PushPracticeAudio(
        pb.PushPracticeAudioRequest(practice_id=PRACTICE, offset=0, audio=spoken(1.0)), metadata=TOKEN
    )
    broken.cancel()
    while speech.sessions.get(LEARNER, PRACTICE).attached:
        await settle(1)
    again = stub.OpenPractice(request, metadata=TOKEN, timeout=30)
    ready = await again.read()
    assert isinstance(ready, pb.OpenPracticeResponse)
    assert ready.ready.resume_offset == 32_000
    assert ready.sequence > 1
    resumed = await again.read()
    assert isinstance(resumed, pb.OpenPracticeResponse)
    assert resumed.notice.kind == practice_pb2.NOTICE_KIND_RESUMED
    await stub.FinishPractice(pb.FinishPracticeRequest(practice_id=PRACTICE), metadata=TOKEN)
    last = None
    while (event := await again.read()) is not grpc.aio.EOF:
        last = event
    assert isinstance(last, pb.OpenPracticeResponse)
    assert last.HasField("saved")


async def test_one_half_may_be_native_and_the_other_not(served: Served) -> None:
    async with Talk(served) as talk:
        await talk.begin()
        stub = rpc.SpeechServiceStub(served.channel)
        await stub.PushPracticeAudio(
            pb.PushPracticeAudioRequest(practice_id=PRACTICE, offset=0, audio=spoken(1.0)), metadata=TOKEN
        )
        await talk.finish()
        await talk.rest()
    assert talk.kinds()[-1] == "saved"


async def test_without_a_config(served: Served) -> None:
    opened = rpc.SpeechServiceStub(served.channel).OpenPractice(pb.OpenPracticeRequest(), metadata=TOKEN, timeout=30)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await opened.read()
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == (Code.INVALID_ARGUMENT, Reason.INVALID_FIELD)
    assert failure.fields == ("config",)
