"""A real Envoy with our configuration, in front of real servers with the production interceptors."""

from __future__ import annotations

import asyncio
import http.client
import json
import subprocess
import threading
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import grpc

from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1 import speech_service_pb2_grpc as pb_grpc
from kaiwa.speech.v1.audio_pb2 import AudioEncoding, AudioFormat
from kaiwa.speech.v1.practice_pb2 import PracticeConfig
from server.config import Settings
from server.errors import InvalidInput, NotFound, Reason, Unauthenticated, Unavailable
from server.kernel.identity import Caller, Role, SessionId, UserId
from server.kernel.rates import Rate
from server.rpc.call import current_call
from server.rpc.interceptors.limits import RateRefusal
from server.rpc.server import RpcServer, Service
from server.supervisor.envoy import command, render
from tests.support.processes import until

T = TypeVar("T")

SPEECH = "kaiwa.speech.v1.SpeechService"
TOKEN = "the-secret-token"
SIGNED_IN = {"authorization": f"Bearer {TOKEN}"}


class Unlimited:
    """Counts nothing."""

    async def hit(self, rate: Rate, key: str) -> RateRefusal | None:
        return None


class Unmeasured:
    """Measures nothing."""

    def call_started(self, method: str) -> None:
        pass

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        pass


async def _authenticate(token: str) -> Caller:
    if token != TOKEN:
        raise Unauthenticated(Reason.TOKEN_INVALID, "That token is not valid.")
    return Caller(UserId("u"), Role.STUDENT, SessionId("s"), datetime(2100, 1, 1, tzinfo=UTC))


class NamedSpeech(pb_grpc.SpeechServiceServicer):
    """Answers with its own name, so that a test sees which server it reached."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[str] = []
        self.metadata: list[dict[str, str]] = []
        self.unavailable = 0

    def _count(self, method: str) -> None:
        self.calls.append(method)
        self.metadata.append(dict(current_call().metadata))
        if self.unavailable:
            self.unavailable -= 1
            raise Unavailable(Reason.STORAGE_UNAVAILABLE, "Not just now.")

    async def Practice(
        self, request_iterator: AsyncIterator[pb.PracticeRequest], context: object
    ) -> AsyncIterator[pb.PracticeResponse]:
        self._count("Practice")
        sequence = 0
        async for _ in request_iterator:
            sequence += 1
            response = pb.PracticeResponse(sequence=sequence)
            response.ready.practice_id = self.name
            yield response

    async def OpenPractice(
        self, request: pb.OpenPracticeRequest, context: object
    ) -> AsyncIterator[pb.OpenPracticeResponse]:
        self._count("OpenPractice")
        for sequence in range(1, 4):
            response = pb.OpenPracticeResponse(sequence=sequence)
            response.ready.practice_id = self.name
            yield response
        if request.config.reference_text == "fail":
            raise NotFound(Reason.SENTENCE_NOT_FOUND, "There is no such sentence.", metadata={"sentence_id": "x"})
        if request.config.reference_text == "wait":
            await asyncio.Event().wait()

    async def PushPracticeAudio(
        self, request: pb.PushPracticeAudioRequest, context: object
    ) -> pb.PushPracticeAudioResponse:
        self._count("PushPracticeAudio")
        return pb.PushPracticeAudioResponse(acknowledged_offset=len(request.audio))

    async def FinishPractice(self, request: pb.FinishPracticeRequest, context: object) -> pb.FinishPracticeResponse:
        self._count("FinishPractice")
        raise InvalidInput("practice_id", "must not be the practice of a test")

    async def ListVoices(self, request: pb.ListVoicesRequest, context: object) -> pb.ListVoicesResponse:
        self._count("ListVoices")
        response = pb.ListVoicesResponse()
        response.voices.add(name=self.name)
        return response

    async def Transcribe(self, request: pb.TranscribeRequest, context: object) -> pb.TranscribeResponse:
        self._count("Transcribe")
        return pb.TranscribeResponse(speech_model=f"{len(request.audio)} bytes")


class Backend:
    """A server with `NamedSpeech`, on an event loop in its own thread."""

    def __init__(self, name: str) -> None:
        self.speech = NamedSpeech(name)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()
        self.port = self._run(self._start())

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def _start(self) -> int:
        self._server = RpcServer(
            [Service(SPEECH, pb_grpc.add_SpeechServiceServicer_to_server, self.speech)],
            authenticate=_authenticate,
            limiter=Unlimited(),
            metrics=Unmeasured(),
            trusted_proxies=("127.0.0.1",),
        )
        port = self._server.listen("127.0.0.1:0")
        await self._server.start()
        return port

    def report(self, *, serving: bool) -> None:
        self._run(self._server.report(serving=serving))

    def stop(self) -> None:
        self._run(self._server.stop(timedelta(seconds=0)))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """A running Envoy.

    Attributes:
        address: `host:port` for clients.
        admin: `host:port` of its own page.
        log: where it writes.
    """

    address: str
    admin: str
    log: Path

    def channel(self) -> grpc.Channel:
        return grpc.insecure_channel(self.address)

    def get(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        return fetch(self.address, path, headers, method)

    def healthy(self, cluster: str) -> int:
        """How many servers of a cluster Envoy would send calls to."""
        statuses = json.loads(fetch(self.admin, "/clusters?format=json").body)["cluster_statuses"]
        hosts = next(status.get("host_statuses", []) for status in statuses if status["name"] == cluster)
        unwell = {"failed_active_health_check", "failed_outlier_check", "pending_active_hc"}
        return sum(not unwell & host["health_status"].keys() for host in hosts)


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: str


def opening(text: str = "雨だ", practice_id: str | None = None) -> pb.OpenPracticeRequest:
    """A well-formed request; `fail` and `wait` as the text make `NamedSpeech` do so after three events."""
    audio_format = AudioFormat(encoding=AudioEncoding.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16000)
    config = PracticeConfig(
        practice_id=practice_id or str(uuid.uuid4()), reference_text=text, audio_format=audio_format
    )
    return pb.OpenPracticeRequest(config=config)


def fetch(address: str, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
    connection = http.client.HTTPConnection(address, timeout=10)
    try:
        connection.request(method, path, headers=dict(headers or {}))
        response = connection.getresponse()
        body = response.read().decode()
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)
    finally:
        connection.close()


@contextmanager
def front_door(folder: Path, upstreams: Sequence[str], **environment: str) -> Iterator[FrontDoor]:
    """Runs Envoy on free ports before `upstreams`; it is ready when this returns."""
    settings = Settings.from_environment(
        {
            "KAIWA_ENVOY_LISTEN": "127.0.0.1:0",
            "KAIWA_ENVOY_ADMIN": "127.0.0.1:0",
            "KAIWA_ENVOY_UPSTREAMS": ",".join(upstreams),
            **environment,
        }
    )
    configuration, admin_file, log = folder / "envoy.yaml", folder / "admin", folder / "envoy.log"
    configuration.write_text(render(settings), encoding="utf-8")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command(configuration), "--admin-address-path", str(admin_file)], stdout=output, stderr=output
        )
    try:
        until(lambda: process.poll() is not None or _is_live(admin_file), "Envoy")
        assert process.poll() is None, log.read_text()
        admin = admin_file.read_text()
        listeners = json.loads(fetch(admin, "/listeners?format=json").body)["listener_statuses"]
        address = listeners[0]["local_address"]["socket_address"]
        yield FrontDoor(f"{address['address']}:{address['port_value']}", admin, log)
    finally:
        process.terminate()
        process.wait(10)


def _is_live(admin_file: Path) -> bool:
    try:
        return fetch(admin_file.read_text(), "/ready").status == 200
    except (OSError, http.client.HTTPException):
        # It has not written its address yet, or does not answer yet, or no longer.
        return False
