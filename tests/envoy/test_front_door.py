"""What Envoy does by itself: CORS, balancing, health, its own answers, its log."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1 import speech_service_pb2_grpc as pb_grpc
from tests.support.front_door import SIGNED_IN, SPEECH, TOKEN, Backend, FrontDoor, front_door, opening
from tests.support.grpcweb import GrpcWeb
from tests.support.processes import free_port, until

LIST_VOICES = f"/{SPEECH}/ListVoices"
PUSH = f"/{SPEECH}/PushPracticeAudio"


@pytest.fixture
def door(tmp_path: Path, backends: tuple[Backend, Backend]) -> Iterator[FrontDoor]:
    """An Envoy of the test's own, as its servers are made unwell."""
    with front_door(tmp_path, [backend.address for backend in backends]) as door:
        yield door


def preflight(door: FrontDoor, origin: str) -> dict[str, str]:
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-grpc-web,x-kaiwa-practice-id",
    }
    answer = door.get(LIST_VOICES, asked, "OPTIONS")
    assert answer.status == 200
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def names_reached(address: str, practice_id: str, calls: int = 8) -> set[str]:
    web = GrpcWeb(address)
    metadata = {**SIGNED_IN, "x-kaiwa-practice-id": practice_id}
    replies = [web.call(LIST_VOICES, b"", metadata)[0][0] for _ in range(calls)]
    return {pb.ListVoicesResponse.FromString(reply).voices[0].name for reply in replies}


# --- CORS


@pytest.mark.parametrize("origin", ["http://localhost:5173", "http://127.0.0.1:3000", "http://localhost"])
def test_preflight_from_this_machine_is_allowed(envoy: FrontDoor, origin: str) -> None:
    allowed = preflight(envoy, origin)
    assert allowed["access-control-allow-origin"] == origin
    assert "POST" in allowed["access-control-allow-methods"]
    for header in ("authorization", "content-type", "x-grpc-web", "grpc-timeout", "x-kaiwa-practice-id"):
        assert header in allowed["access-control-allow-headers"]


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost.evil.example:80", "null"])
def test_preflight_from_elsewhere_is_not(envoy: FrontDoor, origin: str) -> None:
    assert "access-control-allow-origin" not in preflight(envoy, origin)


def test_a_page_may_read_status_and_details(envoy: FrontDoor) -> None:
    _, call = GrpcWeb(envoy.address, origin="http://localhost:5173").call(LIST_VOICES, b"")
    assert call.headers["access-control-allow-origin"] == "http://localhost:5173"
    exposed = {name.strip() for name in call.headers["access-control-expose-headers"].split(",")}
    assert exposed == {"grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id"}


def test_origins_come_from_the_settings(tmp_path: Path, backends: tuple[Backend, Backend]) -> None:
    origins = "https://app.kaiwa.example,https://*.preview.example"
    with front_door(tmp_path, [backends[0].address], KAIWA_CORS_ORIGINS=origins) as door:
        assert "access-control-allow-origin" in preflight(door, "https://app.kaiwa.example")
        assert "access-control-allow-origin" in preflight(door, "https://pr-7.preview.example")
        assert "access-control-allow-origin" not in preflight(door, "https://appXkaiwa.example")
        assert "access-control-allow-origin" not in preflight(door, "https://preview.example.evil.test")
        assert "access-control-allow-origin" not in preflight(door, "http://localhost:5173")


# --- Balancing


def test_calls_of_one_practice_go_to_one_server(envoy: FrontDoor) -> None:
    reached = [names_reached(envoy.address, str(uuid.uuid4()), calls=4) for _ in range(16)]
    assert all(len(names) == 1 for names in reached)
    assert set().union(*reached) == {"one", "two"}


def test_both_halves_of_a_practice_meet(envoy: FrontDoor, backends: tuple[Backend, Backend]) -> None:
    web = GrpcWeb(envoy.address)
    for _ in range(6):
        practice_id = str(uuid.uuid4())
        metadata = {**SIGNED_IN, "x-kaiwa-practice-id": practice_id}
        request = opening(practice_id=practice_id)
        messages, _ = web.call(f"/{SPEECH}/OpenPractice", request.SerializeToString(), metadata)
        opened_at = pb.OpenPracticeResponse.FromString(messages[0]).ready.practice_id
        before = {backend.speech.name: len(backend.speech.calls) for backend in backends}
        push = pb.PushPracticeAudioRequest(practice_id=practice_id, audio=b"ab")
        finish = pb.FinishPracticeRequest(practice_id=practice_id)
        web.call(PUSH, push.SerializeToString(), metadata)
        web.call(f"/{SPEECH}/FinishPractice", finish.SerializeToString(), metadata)
        after = {backend.speech.name: len(backend.speech.calls) for backend in backends}
        assert {name for name in after if after[name] > before[name]} == {opened_at}


def test_native_practices_are_hashed_too_when_they_say_their_id(envoy: FrontDoor) -> None:
    metadata = (*SIGNED_IN.items(), ("x-kaiwa-practice-id", str(uuid.uuid4())))
    with envoy.channel() as channel:
        stub = pb_grpc.SpeechServiceStub(channel)
        requests = [pb.PracticeRequest(audio=b"ab")]
        reached = {
            next(iter(stub.Practice(iter(requests), metadata=metadata, timeout=10))).ready.practice_id for _ in range(6)
        }
    assert len(reached) == 1


def test_a_server_that_says_it_is_not_serving_gets_no_new_calls(
    door: FrontDoor, backends: tuple[Backend, Backend]
) -> None:
    backends[0].report(serving=False)
    try:
        until(lambda: door.healthy("speech") == 1, "the health check to fail")
        assert set().union(*(names_reached(door.address, str(uuid.uuid4()), calls=1) for _ in range(12))) == {"two"}
    finally:
        backends[0].report(serving=True)
    until(lambda: door.healthy("speech") == 2, "the health check to succeed")


def test_a_stream_goes_on_when_its_server_drains(door: FrontDoor, backends: tuple[Backend, Backend]) -> None:
    with door.channel() as channel:
        stub = pb_grpc.SpeechServiceStub(channel)
        held: list[pb.PracticeRequest] = [pb.PracticeRequest(audio=b"ab")]

        def requests() -> Iterator[pb.PracticeRequest]:
            yield held[0]
            until(lambda: door.healthy("speech") == 0, "the health checks to fail")
            yield held[0]

        stream = stub.Practice(requests(), metadata=tuple(SIGNED_IN.items()), timeout=30)
        assert next(stream).sequence == 1
        for backend in backends:
            backend.report(serving=False)
        try:
            assert next(stream).sequence == 2
        finally:
            for backend in backends:
                backend.report(serving=True)


# --- Its own answers


def test_no_server_at_all_is_told_without_addresses(tmp_path: Path) -> None:
    with front_door(tmp_path, [f"127.0.0.1:{free_port()}"]) as door:
        _, answer = GrpcWeb(door.address).call(LIST_VOICES, b"", SIGNED_IN)
        with door.channel() as channel, pytest.raises(grpc.RpcError) as raised:
            pb_grpc.SpeechServiceStub(channel).ListVoices(pb.ListVoicesRequest(), timeout=10)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
        assert answer.status == 14
        assert raised.value.details() == answer.message == "Kaiwa can't be reached just now. Try again in a moment."
        assert door.get("/healthz").status == 503


def test_the_root_says_what_this_is(envoy: FrontDoor) -> None:
    page = envoy.get("/", {"accept": "text/html,*/*"})
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "gRPC-web" in page.body
    answer = envoy.get("/")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body)["protocols"] == ["grpc", "grpc-web"]


def test_health_page(envoy: FrontDoor) -> None:
    # Tests before this one made its servers unwell for a moment.
    until(lambda: envoy.get("/healthz").status == 200, "the servers to be found well")


@pytest.mark.parametrize("path", ["/admin", "/.env", "/x/..%2f..%2fetc/passwd", "//kaiwa"])
def test_anything_else_is_not_there(envoy: FrontDoor, path: str) -> None:
    answer = envoy.get(path)
    assert answer.status in {400, 404}
    assert "envoy" not in str(answer.headers).lower()


def test_a_second_envoy_does_not_share_the_port(
    envoy: FrontDoor, tmp_path: Path, backends: tuple[Backend, Backend]
) -> None:
    with (
        pytest.raises(AssertionError, match="Address already in use"),
        front_door(tmp_path, [backends[0].address], KAIWA_ENVOY_LISTEN=envoy.address),
    ):
        pass


# --- Its log


def test_health_checks_are_not_in_the_access_log(door: FrontDoor) -> None:
    web, asked = GrpcWeb(door.address), str(uuid.uuid4())
    web.call("/grpc.health.v1.Health/Check", b"", SIGNED_IN)
    web.call(LIST_VOICES, b"", {**SIGNED_IN, "x-request-id": asked})
    until(lambda: asked in door.log.read_text(), "the log to be written")
    assert "Health/Check" not in door.log.read_text()


def test_access_log_is_json_without_anything_personal(door: FrontDoor) -> None:
    plain, query = str(uuid.uuid4()), str(uuid.uuid4())
    web = GrpcWeb(door.address)
    private = {**SIGNED_IN, "cookie": "a=private", "x-forwarded-for": "203.0.113.9"}
    with door.channel() as channel:
        metadata = tuple({**private, "x-request-id": plain}.items())
        pb_grpc.SpeechServiceStub(channel).ListVoices(pb.ListVoicesRequest(), metadata=metadata, timeout=10)
    web.call(f"{LIST_VOICES}?email=learner@example.com", b"", {**private, "x-request-id": query})
    until(lambda: query in door.log.read_text(), "the log to be written")
    text = door.log.read_text()
    lines = {line["request_id"]: line for line in map(json.loads, text.splitlines())}
    assert (lines[plain]["path"], lines[plain]["grpc_status"]) == (LIST_VOICES, "OK")
    assert lines[plain]["duration_ms"] >= 0
    assert lines[query]["path"] == LIST_VOICES
    for secret in (TOKEN, "learner@example.com", "private", "203.0.113.9", "authorization"):
        assert secret not in text
