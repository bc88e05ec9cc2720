"""Calls through a real Envoy: gRPC passes through, gRPC-web is translated, nothing of an error is lost."""

from __future__ import annotations

import queue
import uuid
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1 import speech_service_pb2_grpc as pb_grpc
from tests.support.front_door import SIGNED_IN, SPEECH, Backend, FrontDoor, opening
from tests.support.grpcweb import GrpcWeb

AUTHORIZED = tuple(SIGNED_IN.items())
NAMES = {"one", "two"}


@pytest.fixture
def stub(envoy: FrontDoor) -> Iterator[pb_grpc.SpeechServiceStub]:
    with envoy.channel() as channel:
        yield pb_grpc.SpeechServiceStub(channel)


@pytest.fixture
def web(envoy: FrontDoor) -> GrpcWeb:
    return GrpcWeb(envoy.address)


def reason(status: Status) -> str:
    """The reason of a status's one ErrorInfo."""
    infos = [detail for detail in status.details if detail.type_url.endswith("google.rpc.ErrorInfo")]
    assert len(infos) == 1
    return error_details_pb2.ErrorInfo.FromString(infos[0].value).reason


def details_of(error: Any) -> Status:
    return Status.FromString(dict(error.trailing_metadata())["grpc-status-details-bin"])


def test_unary(stub: pb_grpc.SpeechServiceStub) -> None:
    response, call = stub.ListVoices.with_call(pb.ListVoicesRequest(), metadata=AUTHORIZED, timeout=10)
    assert response.voices[0].name in NAMES
    assert "x-request-id" in dict(call.trailing_metadata() or ())


def test_server_stream(stub: pb_grpc.SpeechServiceStub) -> None:
    responses = list(stub.OpenPractice(opening(), metadata=AUTHORIZED, timeout=10))
    assert [response.sequence for response in responses] == [1, 2, 3]


def test_bidirectional_stream_answers_while_requests_still_come(stub: pb_grpc.SpeechServiceStub) -> None:
    requests: queue.SimpleQueue[pb.PracticeRequest | None] = queue.SimpleQueue()
    stream = stub.Practice(iter(requests.get, None), metadata=AUTHORIZED, timeout=20)
    for sequence in range(1, 6):
        # Each is answered before the next is sent, so nothing on the way waits for the end of the request.
        requests.put(pb.PracticeRequest(audio=bytes(64_000)))
        assert next(stream).sequence == sequence
    requests.put(None)
    assert list(stream) == []


def test_errors_keep_code_message_and_details(stub: pb_grpc.SpeechServiceStub) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        stub.FinishPractice(pb.FinishPracticeRequest(practice_id=str(uuid.uuid4())), metadata=AUTHORIZED, timeout=10)
    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    status = details_of(raised.value)
    assert status.message == raised.value.details()
    assert reason(status) == "ERROR_REASON_INVALID_FIELD"


def test_an_error_after_messages_keeps_its_details(stub: pb_grpc.SpeechServiceStub) -> None:
    responses = stub.OpenPractice(opening("fail"), metadata=AUTHORIZED, timeout=10)
    assert [next(responses).sequence for _ in range(3)] == [1, 2, 3]
    with pytest.raises(grpc.RpcError) as raised:
        next(responses)
    assert reason(details_of(raised.value)) == "ERROR_REASON_SENTENCE_NOT_FOUND"


def test_health_and_reflection(envoy: FrontDoor) -> None:
    with envoy.channel() as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        answer = check(health_pb2.HealthCheckRequest(service=SPEECH), timeout=10)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        assert SPEECH in ProtoReflectionDescriptorDatabase(channel).get_services()


def test_an_unknown_method_is_refused_by_the_server(envoy: FrontDoor, web: GrpcWeb) -> None:
    with envoy.channel() as channel:
        call: Callable[..., bytes] = channel.unary_unary("/no.such.Service/Method")
        with pytest.raises(grpc.RpcError) as raised:
            call(b"", timeout=10)
    assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert reason(details_of(raised.value)) == "ERROR_REASON_UNKNOWN_METHOD"
    _, answer = web.call("/no.such.Service/Method", b"")
    assert (answer.status, reason(answer.details)) == (12, "ERROR_REASON_UNKNOWN_METHOD")


def test_web_unary(web: GrpcWeb) -> None:
    messages, call = web.call(f"/{SPEECH}/ListVoices", b"", SIGNED_IN)
    assert call.response.status == 200
    assert call.headers["content-type"] == "application/grpc-web+proto"
    assert pb.ListVoicesResponse.FromString(messages[0]).voices[0].name in NAMES
    assert call.status == 0
    assert call.trailers["x-request-id"] == call.headers["x-request-id"]


def test_web_unary_of_megabytes(web: GrpcWeb) -> None:
    request = pb.TranscribeRequest(audio=bytes(3_600_000))
    messages, call = web.call(f"/{SPEECH}/Transcribe", request.SerializeToString(), SIGNED_IN)
    assert call.status == 0, call.message
    assert pb.TranscribeResponse.FromString(messages[0]).speech_model == "3600000 bytes"


def test_web_server_stream_flows_while_it_is_open(web: GrpcWeb) -> None:
    with web.start(f"/{SPEECH}/OpenPractice", opening("wait").SerializeToString(), SIGNED_IN) as call:
        messages = iter(call)
        # The server sends no more and doesn't end: these came by themselves.
        sequences = [pb.OpenPracticeResponse.FromString(next(messages)).sequence for _ in range(3)]
    assert sequences == [1, 2, 3]


def test_web_errors_keep_code_message_and_details(web: GrpcWeb) -> None:
    request = pb.FinishPracticeRequest(practice_id=str(uuid.uuid4()))
    messages, call = web.call(f"/{SPEECH}/FinishPractice", request.SerializeToString(), SIGNED_IN)
    assert (messages, call.status) == ([], 3)
    assert call.details.message == call.message
    assert reason(call.details) == "ERROR_REASON_INVALID_FIELD"


def test_web_error_after_messages_keeps_its_details(web: GrpcWeb) -> None:
    messages, call = web.call(f"/{SPEECH}/OpenPractice", opening("fail").SerializeToString(), SIGNED_IN)
    assert (len(messages), call.status) == (3, 5)
    assert reason(call.details) == "ERROR_REASON_SENTENCE_NOT_FOUND"
    assert "x-request-id" in call.trailers


def test_web_without_a_token_is_refused(web: GrpcWeb) -> None:
    _, call = web.call(f"/{SPEECH}/ListVoices", b"")
    assert (call.status, reason(call.details)) == (16, "ERROR_REASON_TOKEN_MISSING")


def test_request_id_of_the_client_is_kept(web: GrpcWeb) -> None:
    chosen = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"
    _, call = web.call(f"/{SPEECH}/ListVoices", b"", {**SIGNED_IN, "x-request-id": chosen})
    assert call.headers["x-request-id"] == call.trailers["x-request-id"] == chosen


def test_the_server_learns_the_client_and_not_what_the_client_claims(
    web: GrpcWeb, backends: tuple[Backend, Backend]
) -> None:
    practice = {"x-kaiwa-practice-id": str(uuid.uuid4())}
    web.call(f"/{SPEECH}/ListVoices", b"", {**SIGNED_IN, **practice, "x-forwarded-for": "203.0.113.9"})
    every = [metadata for backend in backends for metadata in backend.speech.metadata]
    seen = next(metadata for metadata in every if practice.items() <= metadata.items())
    # Envoy puts this machine's own address for a client on loopback.
    claimed, _, observed = seen["x-forwarded-for"].replace(" ", "").partition(",")
    assert claimed == "203.0.113.9"
    assert ip_address(observed) != ip_address("203.0.113.9")


def test_reads_are_repeated_when_a_server_is_unavailable(
    stub: pb_grpc.SpeechServiceStub, backends: tuple[Backend, Backend]
) -> None:
    for backend in backends:
        backend.speech.unavailable = 1
    assert stub.ListVoices(pb.ListVoicesRequest(), metadata=AUTHORIZED, timeout=10).voices
    for backend in backends:
        backend.speech.unavailable = 0


def test_writes_are_never_repeated(stub: pb_grpc.SpeechServiceStub, backends: tuple[Backend, Backend]) -> None:
    before = sum(backend.speech.calls.count("PushPracticeAudio") for backend in backends)
    for backend in backends:
        backend.speech.unavailable = 1
    with pytest.raises(grpc.RpcError) as raised:
        stub.PushPracticeAudio(
            pb.PushPracticeAudioRequest(practice_id=str(uuid.uuid4())), metadata=AUTHORIZED, timeout=10
        )
    for backend in backends:
        backend.speech.unavailable = 0
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    assert sum(backend.speech.calls.count("PushPracticeAudio") for backend in backends) == before + 1
