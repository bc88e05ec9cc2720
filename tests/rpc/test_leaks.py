"""A fault in any layer reaches the client as an id that is in the log, and with nothing else from inside."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import grpc
import pytest

from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1 import speech_service_pb2_grpc as rpc
from server.errors import ApplicationError, Reason
from server.kernel.identity import Caller
from server.rpc.call import Call, Interceptor
from server.rpc.interceptors.access_log import AccessLogInterceptor
from server.rpc.interceptors.auth import AuthInterceptor
from server.rpc.interceptors.chain import Chain
from server.rpc.interceptors.errors import ErrorsInterceptor
from server.rpc.interceptors.limits import Gate, LimitsInterceptor
from server.rpc.interceptors.request_context import RequestContextInterceptor
from server.rpc.interceptors.validation import ValidationInterceptor
from server.rpc.policy import POLICIES
from server.rpc.server import Service
from tests.support.rpc import (
    CountingLimiter,
    KeptMetrics,
    Refusal,
    bearer,
    failure_of,
    serving,
    token_is_role,
)
from tests.support.secrets import SECRET, Log, internals, logging_as_in_production, told

SERVICE = "kaiwa.speech.v1.SpeechService"
ID = "0198c0de-0000-7000-8000-000000000001"
REQUESTS = {
    "Transcribe": pb.TranscribeRequest(audio=b"x"),
    "GetAttemptAudio": pb.GetAttemptAudioRequest(attempt_id=ID),
    "AssessRecording": pb.AssessRecordingRequest(audio=b"x"),
    "Practice": pb.PracticeRequest(audio=b"x"),
}
ARITIES = pytest.mark.parametrize("method", list(REQUESTS))

Fault = Callable[[], object]


def fail() -> object:
    raise ZeroDivisionError(f"{SECRET} in server.rpc at 0x7f")


class Answering(rpc.SpeechServiceServicer):
    """Answers one method of each arity; what it answers last is what `second` makes, if that makes anything."""

    def __init__(self, second: Fault = object) -> None:
        self._second = second

    def _made(self, made: object, usual: object) -> Any:
        return usual if type(made) is object else made

    async def Transcribe(self, request: Any, context: Any) -> Any:
        return self._made(self._second(), pb.TranscribeResponse())

    async def GetAttemptAudio(self, request: Any, context: Any) -> AsyncIterator[Any]:
        yield pb.GetAttemptAudioResponse()
        yield self._made(self._second(), pb.GetAttemptAudioResponse())

    async def AssessRecording(self, requests: AsyncIterator[Any], context: Any) -> Any:
        async for _ in requests:
            pass
        return self._made(self._second(), pb.AssessRecordingResponse())

    async def Practice(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for _ in requests:
            yield pb.PracticeResponse(sequence=1)
        yield self._made(self._second(), pb.PracticeResponse(sequence=2))


@pytest.fixture
def log() -> Iterator[Log]:
    with logging_as_in_production() as kept:
        yield kept


def service(servicer: rpc.SpeechServiceServicer) -> Service:
    return Service(SERVICE, rpc.add_SpeechServiceServicer_to_server, servicer)


async def refused(channel: grpc.aio.Channel, method: str, raw: bytes | None = None) -> grpc.aio.AioRpcError:
    """How the call of a method with one good message fails."""

    async def one() -> AsyncIterator[bytes]:
        yield REQUESTS[method].SerializeToString() if raw is None else raw

    # On the wire every method is a stream in both directions.
    made = channel.stream_stream(f"/{SERVICE}/{method}", bytes, bytes)(one(), metadata=bearer(), timeout=10)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in made:
            pass
    return caught.value


def assert_only_an_id(error: grpc.aio.AioRpcError, log: Log) -> None:
    failure = failure_of(error)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INTERNAL, Reason.INTERNAL)
    assert internals(told(error)) == []
    assert list(failure.metadata) == ["error_id"]
    error_id = str(uuid.UUID(failure.metadata["error_id"]))
    assert failure.message == f"Something went wrong on our side. It is in our log as {error_id}."
    line = log.of(error_id)
    assert line["level"] == "error"
    assert SECRET in str(line["exception"])


class Broken:
    """A layer that fails on the way in, or on the way out."""

    def __init__(self, *, inwards: bool) -> None:
        self._inwards = inwards

    async def __call__(self, call: Call, proceed: Callable[[], Awaitable[None]]) -> None:
        if not self._inwards:
            await proceed()
        fail()


def layers() -> list[Interceptor]:
    """The layers of the server, outer to inner."""
    return [
        RequestContextInterceptor(),
        AccessLogInterceptor(KeptMetrics()),
        ErrorsInterceptor(),
        AuthInterceptor(token_is_role, POLICIES),
        LimitsInterceptor(POLICIES, CountingLimiter(), Gate(), ()),
        ValidationInterceptor(),
    ]


@ARITIES
@pytest.mark.parametrize("inwards", [True, False], ids=["inwards", "outwards"])
@pytest.mark.parametrize("place", range(7))
async def test_a_fault_between_any_two_layers(log: Log, place: int, inwards: bool, method: str) -> None:
    around = layers()
    around.insert(place, Broken(inwards=inwards))
    server = grpc.aio.server(interceptors=[Chain(around)])
    rpc.add_SpeechServiceServicer_to_server(Answering(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert_only_an_id(await refused(channel, method), log)
    finally:
        await server.stop(0)


class BrokenMetrics(KeptMetrics):
    """Fails when a call ends."""

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        fail()


class BrokenLimiter(CountingLimiter):
    """Fails when it is asked."""

    async def hit(self, rate: object, key: str) -> Refusal | None:
        fail()
        return None


async def broken_authenticate(token: str) -> Caller:
    fail()
    raise AssertionError


@ARITIES
async def test_a_fault_of_what_authenticates(log: Log, method: str) -> None:
    async with serving([service(Answering())], authenticate=broken_authenticate) as served:
        assert_only_an_id(await refused(served.channel, method), log)


@ARITIES
@pytest.mark.parametrize(
    "broken",
    [
        AccessLogInterceptor(KeptMetrics(fault=ZeroDivisionError(SECRET))),
        AccessLogInterceptor(BrokenMetrics()),
        LimitsInterceptor(POLICIES, BrokenLimiter(), Gate(), ()),
    ],
    ids=["metrics at the start", "metrics at the end", "limiter"],
)
async def test_a_fault_of_what_a_layer_uses(log: Log, broken: Interceptor, method: str) -> None:
    around = [broken if type(each) is type(broken) else each for each in layers()]
    server = grpc.aio.server(interceptors=[Chain(around)])
    rpc.add_SpeechServiceServicer_to_server(Answering(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            assert_only_an_id(await refused(channel, method), log)
    finally:
        await server.stop(0)


def raise_group() -> object:
    raise ExceptionGroup(SECRET, [ValueError(SECRET), ApplicationError(Reason.CARD_NOT_FOUND, SECRET)])


def raise_cancelled() -> object:
    raise asyncio.CancelledError(SECRET)


def raise_timeout() -> object:
    raise TimeoutError(SECRET)


def raise_unspeakable() -> object:
    raise ApplicationError(Reason.CARD_NOT_FOUND, f"{SECRET} \ud800", metadata={"card_id": "\udfff"})


class Wrong:
    """No message, and proud of it."""

    def __repr__(self) -> str:
        return SECRET


FAULTS = {
    "an exception": fail,
    "a group of exceptions": raise_group,
    "a cancellation that is not the call's": raise_cancelled,
    "a time-out that is not the call's": raise_timeout,
    "an error that can't be encoded": raise_unspeakable,
}


@ARITIES
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_a_fault_of_a_method(log: Log, fault: Fault, method: str) -> None:
    """In the methods that answer with a stream, it comes after the first message."""
    async with serving([service(Answering(fault))]) as served:
        assert_only_an_id(await refused(served.channel, method), log)


@ARITIES
@pytest.mark.parametrize("made", [Wrong(), None, b"bytes", "text"], ids=repr)
async def test_an_answer_that_cannot_be_sent(log: Log, made: object, method: str) -> None:
    async with serving([service(Answering(lambda: made))]) as served:
        error = await refused(served.channel, method)
    failure = failure_of(error)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INTERNAL, Reason.INTERNAL)
    assert internals(told(error)) == []
    assert log.of(failure.metadata["error_id"])


UNDECODABLE = {
    "no message": b"\xff\xff\xff",
    "no text": b"\x0a\x04\xff\xfe\xfd\xfc" + b"\x12\x04\xff\xfe\xfd\xfc",
    "cut": b"\x0a\xff\xff\xff\xff\x0f" + SECRET.encode(),
    "nested too deeply": b"\x0b" * 2000,
}


@ARITIES
@pytest.mark.parametrize("raw", UNDECODABLE.values(), ids=UNDECODABLE.keys())
async def test_undecodable_bytes(log: Log, raw: bytes, method: str) -> None:
    async with serving([service(Answering())]) as served:
        error = await refused(served.channel, method, raw)
    failure = failure_of(error)
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert failure.reason in {Reason.UNDECODABLE_REQUEST, Reason.INVALID_FIELD}
    assert internals(told(error)) == []


@pytest.mark.parametrize(
    "path", ["/kaiwa.speech.v1.SpeechService/Sing", "/kaiwa.None/None", "/x", f"/{'y' * 3000}/Z", "/", "/%ff%fe/Ü"]
)
async def test_an_unknown_method(log: Log, path: str) -> None:
    async with serving([service(Answering())]) as served:
        made = served.channel.unary_unary(path, bytes, bytes)(b"", timeout=10)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await made
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNIMPLEMENTED, Reason.UNKNOWN_METHOD)
    assert failure.message == "This server has no such method."
    assert list(failure.metadata) == ["method"]
    assert internals(told(caught.value)) == []
    assert all(len(str(line)) < 2000 for line in log.lines)


async def test_many_wrong_fields_still_reach_the_client(log: Log) -> None:
    """Clients take no more than 8 KiB of metadata; a refusal that is longer would come as RESOURCE_EXHAUSTED."""
    request = pb.PracticeRequest()
    for _ in range(3000):
        request.config.overrides.add(reading="あ" * 200)
    async with serving([service(Answering())]) as served:
        error = await refused(served.channel, "Practice", request.SerializeToString())
    failure = failure_of(error)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD)
    assert failure.fields
