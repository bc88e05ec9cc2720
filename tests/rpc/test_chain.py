"""Every layer, on all four arities, over a real port."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import grpc
import pytest

from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1 import speech_service_pb2_grpc as rpc
from server.errors import Reason
from server.kernel.identity import Role
from server.kernel.rates import Rate
from server.rpc.call import current_call, current_caller
from server.rpc.interceptors.chain import MAX_MESSAGE_BYTES
from server.rpc.policy import POLICIES
from server.rpc.server import Service
from tests.support.rpc import Served, bearer, failure_of, serving

SPEECH = "kaiwa.speech.v1.SpeechService"
SECRET = "secret-of-the-server"
STUDENT = bearer()
UUID = "0198c0de-0000-7000-8000-000000000001"


class Probe(rpc.SpeechServiceServicer):
    """Answers one method of each arity, and fails or waits as told."""

    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.wait: Callable[[], Awaitable[None]] | None = None
        self.saw: list[str] = []

    async def _act(self) -> None:
        self.saw.append(current_caller().user_id)
        if self.wait is not None:
            await self.wait()
        if self.fault is not None:
            raise self.fault

    async def Transcribe(self, request: Any, context: Any) -> Any:
        await self._act()
        return pb.TranscribeResponse()

    async def Synthesize(self, request: Any, context: Any) -> AsyncIterator[Any]:
        await self._act()
        yield pb.SynthesizeResponse()

    async def AssessRecording(self, requests: AsyncIterator[Any], context: Any) -> Any:
        async for _ in requests:
            pass
        await self._act()
        return pb.AssessRecordingResponse()

    async def Practice(self, requests: AsyncIterator[Any], context: Any) -> AsyncIterator[Any]:
        async for _ in requests:
            yield pb.PracticeResponse(sequence=1)
        await self._act()


GOOD = {
    "Transcribe": pb.TranscribeRequest(audio=b"x"),
    "Synthesize": pb.SynthesizeRequest(sentence_id=UUID),
    "AssessRecording": pb.AssessRecordingRequest(audio=b"x"),
    "Practice": pb.PracticeRequest(audio=b"x"),
}
BAD = {
    "Transcribe": pb.TranscribeRequest(),
    "Synthesize": pb.SynthesizeRequest(sentence_id="no uuid"),
    "AssessRecording": pb.AssessRecordingRequest(),
    "Practice": pb.PracticeRequest(),
}
FIELD = {"Transcribe": "audio", "Synthesize": "sentence_id", "AssessRecording": "message", "Practice": "message"}
ARITIES = pytest.mark.parametrize("method", list(GOOD))


def raw_call(channel: grpc.aio.Channel, method: str, service: str = SPEECH) -> Any:
    """The call of a method that sends and receives bytes."""
    make = {
        "Transcribe": channel.unary_unary,
        "Synthesize": channel.unary_stream,
        "AssessRecording": channel.stream_unary,
        "Practice": channel.stream_stream,
    }[method]
    return make(f"/{service}/{method}")


async def call(
    served: Served,
    method: str,
    message: Any = None,
    metadata: Any = STUDENT,
    service: str = SPEECH,
    requests: AsyncIterator[bytes] | None = None,
) -> Any:
    """Calls a method of any arity with one message and returns the call when it has ended well."""
    raw = message if isinstance(message, bytes) else (message or GOOD[method]).SerializeToString()
    callable_ = raw_call(served.channel, method, service)

    async def one() -> AsyncIterator[bytes]:
        yield raw

    if method in {"Transcribe", "Synthesize"}:
        made = callable_(raw, metadata=metadata, timeout=20)
    else:
        made = callable_(requests or one(), metadata=metadata, timeout=20)
    if method in {"Transcribe", "AssessRecording"}:
        await made
    else:
        async for _ in made:
            pass
    return made


async def refusal(served: Served, method: str, **given: Any) -> Any:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(served, method, **given)
    return failure_of(caught.value)


@pytest.fixture
def probe() -> Probe:
    return Probe()


@pytest.fixture
async def served(probe: Probe) -> AsyncIterator[Served]:
    async with serving([Service(SPEECH, rpc.add_SpeechServiceServicer_to_server, probe)]) as running:
        yield running


@ARITIES
async def test_a_good_call_passes_with_its_caller_and_is_measured(served: Served, probe: Probe, method: str) -> None:
    await call(served, method)
    assert probe.saw == ["0198c0de-0000-7000-8000-000000000001"]
    assert served.metrics.ended == [(f"/{SPEECH}/{method}", "OK")]


@ARITIES
async def test_the_request_id_comes_back(served: Served, method: str) -> None:
    made = await call(served, method, metadata=(*bearer(), ("x-request-id", "mine-1")))
    assert dict(await made.trailing_metadata())["x-request-id"] == "mine-1"


@ARITIES
async def test_a_malformed_request_id_is_replaced(served: Served, method: str) -> None:
    made = await call(served, method, metadata=(*bearer(), ("x-request-id", "a b")))
    uuid.UUID(dict(await made.trailing_metadata())["x-request-id"])


@ARITIES
async def test_without_a_token(served: Served, probe: Probe, method: str) -> None:
    failure = await refusal(served, method, metadata=())
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAUTHENTICATED, Reason.TOKEN_MISSING)
    assert probe.saw == []


@ARITIES
async def test_with_a_wrong_token(served: Served, method: str) -> None:
    failure = await refusal(served, method, metadata=(("authorization", "Bearer nobody"),))
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAUTHENTICATED, Reason.TOKEN_INVALID)


@ARITIES
async def test_a_role_too_low(probe: Probe, method: str) -> None:
    name = f"/{SPEECH}/{method}"
    policies = {**POLICIES, name: replace(POLICIES[name], role=Role.TEACHER)}
    async with serving([Service(SPEECH, rpc.add_SpeechServiceServicer_to_server, probe)], policies) as served:
        failure = await refusal(served, method)
        assert (failure.code, failure.reason) == (grpc.StatusCode.PERMISSION_DENIED, Reason.ROLE_REQUIRED)
        assert failure.metadata == {"required_role": "teacher"}
        await call(served, method, metadata=bearer(Role.ADMIN))


@ARITIES
async def test_a_method_without_a_policy_is_closed(probe: Probe, method: str) -> None:
    policies = {name: policy for name, policy in POLICIES.items() if name != f"/{SPEECH}/{method}"}
    async with serving([Service(SPEECH, rpc.add_SpeechServiceServicer_to_server, probe)], policies) as served:
        failure = await refusal(served, method, metadata=bearer(Role.ADMIN))
        assert failure.code is grpc.StatusCode.PERMISSION_DENIED


@ARITIES
async def test_too_many_calls(served: Served, method: str) -> None:
    served.limiter.refused = set(Rate)
    failure = await refusal(served, method)
    assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.RATE_LIMITED)
    assert failure.retry_seconds == 7
    assert failure.metadata == {"limit": "3", "period_seconds": "60"}


@ARITIES
async def test_a_broken_rule_names_the_field(served: Served, probe: Probe, method: str) -> None:
    failure = await refusal(served, method, message=BAD[method])
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD)
    assert failure.fields == (FIELD[method],)
    assert probe.saw == []


@ARITIES
async def test_bytes_that_are_no_message(served: Served, method: str) -> None:
    failure = await refusal(served, method, message=b"\xff\xff\xff")
    assert (failure.code, failure.reason) == (grpc.StatusCode.INVALID_ARGUMENT, Reason.UNDECODABLE_REQUEST)


@ARITIES
async def test_a_message_too_large(served: Served, method: str) -> None:
    failure = await refusal(served, method, message=b"\0" * (MAX_MESSAGE_BYTES + 1))
    assert (failure.code, failure.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, Reason.MESSAGE_TOO_LARGE)
    assert failure.metadata == {"limit_bytes": str(MAX_MESSAGE_BYTES)}


@ARITIES
async def test_an_unexpected_fault_leaks_nothing(served: Served, probe: Probe, method: str) -> None:
    probe.fault = ZeroDivisionError(SECRET)
    failure = await refusal(served, method)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INTERNAL, Reason.INTERNAL)
    assert SECRET not in failure.message
    uuid.UUID(failure.metadata["error_id"])


@ARITIES
async def test_a_fault_in_the_outer_layers_leaks_nothing(served: Served, method: str) -> None:
    served.metrics.fault = ZeroDivisionError(SECRET)
    failure = await refusal(served, method)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INTERNAL, Reason.INTERNAL)
    assert SECRET not in failure.message


@ARITIES
async def test_the_deadline_of_the_policy(probe: Probe, method: str) -> None:
    name = f"/{SPEECH}/{method}"
    policies = {**POLICIES, name: replace(POLICIES[name], deadline=timedelta(milliseconds=50))}
    probe.wait = asyncio.Event().wait  # type: ignore[assignment]
    async with serving([Service(SPEECH, rpc.add_SpeechServiceServicer_to_server, probe)], policies) as served:
        failure = await refusal(served, method)
        assert (failure.code, failure.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED)
        assert failure.metadata == {"limit_seconds": "0.05"}


@ARITIES
async def test_no_new_calls_while_draining(served: Served, probe: Probe, method: str) -> None:
    await served.server.drain(timedelta(0))
    failure = await refusal(served, method)
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, Reason.SHUTTING_DOWN)
    assert failure.retry_seconds == 1


@ARITIES
async def test_an_unknown_method(served: Served, method: str) -> None:
    failure = await refusal(served, method, service="kaiwa.speech.v1.NoService")
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNIMPLEMENTED, Reason.UNKNOWN_METHOD)
    assert failure.metadata == {"method": f"/kaiwa.speech.v1.NoService/{method}"}
    assert served.metrics.ended == [("unknown", "UNIMPLEMENTED")]


async def test_a_method_of_the_contract_that_is_not_there_yet(served: Served) -> None:
    stub = rpc.SpeechServiceStub(served.channel)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.GetSoundProfile(pb.GetSoundProfileRequest(), metadata=bearer())
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNIMPLEMENTED, Reason.NOT_YET_AVAILABLE)
    assert failure.metadata == {"method": f"/{SPEECH}/GetSoundProfile"}


async def test_a_cancelled_stream_is_logged_as_such(served: Served, probe: Probe) -> None:
    began = asyncio.Event()

    async def wait() -> None:
        began.set()
        await asyncio.Event().wait()

    probe.wait = wait
    task = asyncio.ensure_future(call(served, "Practice"))
    await began.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(served.metrics.changed.wait(), 10)
    assert served.metrics.ended == [(f"/{SPEECH}/Practice", "CANCELLED")]


def test_outside_of_a_call_there_is_none() -> None:
    with pytest.raises(LookupError):
        current_call()


class Flood(rpc.SpeechServiceServicer):
    """Answers with more than the transport buffers."""

    def __init__(self) -> None:
        self.given_up = asyncio.Event()

    async def Synthesize(self, request: Any, context: Any) -> AsyncIterator[Any]:
        try:
            for _ in range(400):
                yield pb.SynthesizeResponse(audio=b"x" * 60_000)
        finally:
            self.given_up.set()


async def read_to_the_end(made: Any) -> None:
    while await made.read() is not grpc.aio.EOF:
        pass


async def test_a_client_that_does_not_read_is_given_up() -> None:
    flood = Flood()
    service = Service(SPEECH, rpc.add_SpeechServiceServicer_to_server, flood)
    async with serving([service], longest_stall=0.2) as served:
        request = pb.SynthesizeRequest(sentence_id=UUID)
        made = rpc.SpeechServiceStub(served.channel).Synthesize(request, metadata=STUDENT)
        assert await made.read() is not grpc.aio.EOF
        await asyncio.wait_for(flood.given_up.wait(), 10)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await read_to_the_end(made)
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.ABORTED, Reason.RESPONSES_NOT_READ)
    assert failure.metadata == {"limit_seconds": "0.2"}
