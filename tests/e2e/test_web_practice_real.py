"""Practices and calls of a browser, through a real Envoy to a real server: the same results as natively."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

from kaiwa.accounts.v1 import accounts_service_pb2 as accounts
from kaiwa.accounts.v1.accounts_service_pb2_grpc import AccountsServiceStub
from kaiwa.content.v1 import content_service_pb2 as content
from kaiwa.content.v1.content_service_pb2_grpc import ContentServiceStub
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.practice_pb2 import PracticeConfig
from tests.support.front_door import FrontDoor
from tests.support.grpcweb import GrpcWeb, GrpcWebCall
from tests.support.real_practice import (
    CHUNK,
    Outcome,
    WebPractice,
    clips,
    config,
    linear16,
    needs_recordings,
    pieces,
    practise,
)
from tests.support.real_server import Learner, RealServer
from tests.support.rpc import failure_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

CLIPS = clips("speech")
NAMES = ("tofugu-042", "julius-sample", "cv-41776640")
SPEECH = "/kaiwa.speech.v1.SpeechService"
NO_PRACTICE = "0198c0de-0000-7000-8000-00000000dead"


@pytest.fixture
async def native(real_server: RealServer) -> AsyncIterator[grpc.aio.Channel]:
    async with real_server.channel() as channel:
        yield channel


@pytest.fixture
async def through_envoy(real_door: FrontDoor) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc.aio.insecure_channel(real_door.address) as channel:
        yield channel


def on_the_web(door: FrontDoor, learner: Learner, asked: PracticeConfig, audio: bytes, *sizes: int) -> Outcome:
    with WebPractice(door.address, learner, asked) as practice:
        practice.until("ready")
        end = practice.send(pieces(audio, *sizes))
        finished = practice.finish(end)
        assert finished.status == 0, finished.message
        return practice.rest()


def reason_of(call: GrpcWebCall) -> str:
    """The reason of the one ErrorInfo among a call's details."""
    infos = [info for detail in call.details.details if detail.Unpack(info := ErrorInfo())]
    assert len(infos) == 1
    return infos[0].reason


@needs_recordings
@pytest.mark.parametrize("name", NAMES)
async def test_the_result_is_the_same_as_natively(
    native: grpc.aio.Channel, real_door: FrontDoor, someone: Learner, name: str
) -> None:
    clip = CLIPS[name]
    audio = linear16(clip.samples)
    natively = await practise(native, someone, config(clip.text), pieces(audio, CHUNK))
    web = await asyncio.to_thread(on_the_web, real_door, someone, config(clip.text), audio, CHUNK + 1, 6_399, 1, 40_000)
    assert web.kinds() == natively.kinds()
    assert web.ready.reference == natively.ready.reference
    assert web.transcript.text
    assert web.result == natively.result
    assert web.saved.audio_kept


@needs_recordings
@pytest.mark.parametrize("name", NAMES)
async def test_native_streams_pass_through_envoy(
    native: grpc.aio.Channel, through_envoy: grpc.aio.Channel, someone: Learner, name: str
) -> None:
    clip = CLIPS[name]
    audio = linear16(clip.samples)
    direct, proxied = [
        await practise(channel, someone, config(clip.text), pieces(audio, CHUNK)) for channel in (native, through_envoy)
    ]
    assert proxied.result == direct.result


@needs_recordings
def test_a_partial_comes_before_the_end(real_door: FrontDoor, someone: Learner) -> None:
    clip = CLIPS["cv-41776640"]
    audio = linear16(clip.samples)
    half = len(audio) // 2 // CHUNK * CHUNK
    with WebPractice(real_door.address, someone, config(clip.text)) as practice:
        practice.until("ready")
        sent = practice.send(pieces(audio[:half], CHUNK))
        # Nothing more is sent until it comes.
        first = practice.until("partial", lambda event: event.partial.morae_read > 0)
        assert first.partial.morae_read < first.partial.morae_total
        end = practice.send(pieces(audio[sent:], CHUNK), sent)
        practice.finish(end)
        outcome = practice.rest()
    assert outcome.assessment.assessable


@needs_recordings
def test_pushes_that_overtake_each_other(real_door: FrontDoor, someone: Learner) -> None:
    clip = CLIPS["julius-sample"]
    audio = linear16(clip.samples)
    in_order = on_the_web(real_door, someone, config(clip.text), audio, CHUNK)
    with WebPractice(real_door.address, someone, config(clip.text)) as practice, ThreadPoolExecutor(3) as three:
        practice.until("ready")
        offsets = list(range(0, len(audio), CHUNK))
        for start in range(0, len(offsets), 3):
            # The last of each three is sent first, and waits for those before it.
            group = offsets[start : start + 3][::-1]
            calls = list(three.map(lambda offset: practice.push(audio[offset : offset + CHUNK], offset), group))
            assert [call.status for call in calls] == [0] * len(group)
        again = practice.push(audio[:CHUNK], 0)
        assert again.status == 0, "what the server has already may be sent again"
        practice.finish(len(audio))
        outcome = practice.rest()
    assert outcome.result == in_order.result


@needs_recordings
def test_a_practice_that_was_graded_answers_with_its_result(real_door: FrontDoor, someone: Learner) -> None:
    clip = CLIPS["tofugu-042"]
    asked = config(clip.text)
    first = on_the_web(real_door, someone, asked, linear16(clip.samples), CHUNK)
    with WebPractice(real_door.address, someone, asked) as practice:
        again = practice.rest()
    assert again.saved.attempt_id == first.saved.attempt_id
    assert again.transcript == first.transcript
    assert again.notices == ["RESUMED"]


def test_errors_of_the_stream_keep_their_details(real_door: FrontDoor, someone: Learner) -> None:
    with WebPractice(real_door.address, someone, config(sentence_id=NO_PRACTICE)) as practice:
        assert list(practice.stream) == []
        assert practice.stream.status == grpc.StatusCode.NOT_FOUND.value[0]
        assert reason_of(practice.stream) == "ERROR_REASON_SENTENCE_NOT_FOUND"
        assert practice.stream.details.message == practice.stream.message


def test_errors_of_pushes_keep_their_details(real_door: FrontDoor, someone: Learner) -> None:
    with WebPractice(real_door.address, someone, config("雨です")) as practice:
        practice.until("ready")
        missing = practice.finish(64_000)
        assert missing.status == grpc.StatusCode.OUT_OF_RANGE.value[0]
        assert reason_of(missing) == "ERROR_REASON_AUDIO_OFFSET_WRONG"
        large = practice.push(bytes(65_537), 0)
        assert large.status == grpc.StatusCode.INVALID_ARGUMENT.value[0]
        assert reason_of(large) == "ERROR_REASON_CHUNK_TOO_LARGE"
        assert large.details.message == large.message
        # Neither has ended the practice.
        assert practice.finish(practice.send([bytes(32_000)])).status == 0
        assert practice.rest().saved.attempt_id
    unknown = WebPractice(real_door.address, someone, config("雨です", practice_id=NO_PRACTICE))
    with unknown as other:
        other.until("ready")
        assert other.finish(0).status == 0
        other.rest()
    gone = unknown.push(b"\0\0", 0)
    assert gone.status == grpc.StatusCode.NOT_FOUND.value[0]
    assert reason_of(gone) == "ERROR_REASON_PRACTICE_NOT_FOUND"


async def test_unary_calls_as_grpc_through_envoy(through_envoy: grpc.aio.Channel, someone: Learner) -> None:
    me = await AccountsServiceStub(through_envoy).GetMe(accounts.GetMeRequest(), metadata=someone.metadata, timeout=10)
    assert me.user.email == someone.email
    listed = await ContentServiceStub(through_envoy).ListSentences(
        content.ListSentencesRequest(page_size=3), metadata=someone.metadata, timeout=10
    )
    assert len(listed.sentences) == 3
    assert listed.next_page_token
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ContentServiceStub(through_envoy).ListSentences(
            content.ListSentencesRequest(page_size=-1), metadata=someone.metadata, timeout=10
        )
    failure = failure_of(caught.value)
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failure.reason == "ERROR_REASON_INVALID_FIELD"
    assert failure.fields == ("page_size",)


def test_unary_calls_as_grpc_web(real_door: FrontDoor, someone: Learner) -> None:
    web = GrpcWeb(real_door.address, origin="http://localhost:5173")
    signed_in = dict(someone.metadata)

    def call(method: str, request: Message) -> tuple[list[bytes], GrpcWebCall]:
        return web.call(method, request.SerializeToString(), signed_in)

    (message,), me = call("/kaiwa.accounts.v1.AccountsService/GetMe", accounts.GetMeRequest())
    assert me.status == 0
    assert accounts.GetMeResponse.FromString(message).user.email == someone.email
    listing = "/kaiwa.content.v1.ContentService/ListSentences"
    (message,), listed = call(listing, content.ListSentencesRequest(page_size=3))
    assert listed.status == 0
    assert len(content.ListSentencesResponse.FromString(message).sentences) == 3

    messages, refused = call(listing, content.ListSentencesRequest(page_size=-1))
    assert messages == []
    assert refused.status == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert reason_of(refused) == "ERROR_REASON_INVALID_FIELD"
    bad = BadRequest()
    assert any(detail.Unpack(bad) for detail in refused.details.details)
    assert [violation.field for violation in bad.field_violations] == ["page_size"]

    signed_in = {}
    _, anonymous = call(listing, content.ListSentencesRequest())
    assert anonymous.status == grpc.StatusCode.UNAUTHENTICATED.value[0]
    assert reason_of(anonymous) == "ERROR_REASON_TOKEN_MISSING"


@needs_recordings
def test_the_recording_comes_back_as_a_server_stream(real_door: FrontDoor, someone: Learner) -> None:
    audio = linear16(CLIPS["tofugu-042"].samples)
    outcome = on_the_web(real_door, someone, config("学校"), audio, CHUNK)
    web = GrpcWeb(real_door.address)
    request = pb.GetAttemptAudioRequest(attempt_id=outcome.saved.attempt_id)
    messages, call = web.call(f"{SPEECH}/GetAttemptAudio", request.SerializeToString(), dict(someone.metadata))
    assert call.status == 0
    header, *parts = [pb.GetAttemptAudioResponse.FromString(message) for message in messages]
    assert header.header.content_type == "audio/wav"
    wav = b"".join(part.audio for part in parts)
    assert wav[:4] == b"RIFF"
    assert wav.endswith(audio[-1_000:])
