"""SIGTERM while someone speaks: no new work, what was begun is finished, and nothing is left behind."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import grpc
import psutil
import pytest
from grpc_health.v1 import health_pb2

from kaiwa.accounts.v1 import accounts_service_pb2 as accounts
from kaiwa.accounts.v1.accounts_service_pb2_grpc import AccountsServiceStub
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from server.adapters.openjtalk.synthesis import synthesize
from tests.support.audio_files import wav
from tests.support.processes import until
from tests.support.real_practice import CHUNK, Talk, config, linear16, pieces
from tests.support.real_server import Learner, RealServer, cleaned_up
from tests.support.rpc import failure_of

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TEXT = "今日はいい天気です。"
SERVING, NOT_SERVING = (
    health_pb2.HealthCheckResponse(status=status)
    for status in (health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING)
)


@pytest.fixture(scope="module")
def audio() -> bytes:
    return linear16(synthesize(TEXT))


@asynccontextmanager
async def serving(home: Path, **settings: str) -> AsyncIterator[tuple[RealServer, Learner, grpc.aio.Channel]]:
    with cleaned_up(RealServer(home, settings)) as server:
        await asyncio.to_thread(server.start)
        learner = await asyncio.to_thread(server.register)
        async with server.channel() as channel:
            yield server, learner, channel


async def has_ended(server: RealServer, children: list[psutil.Process]) -> None:
    """It has ended well, and so has everything that it had started."""
    assert await asyncio.to_thread(server.wait) == 0
    until(lambda: not any(child.is_running() for child in children), "its children to end")


async def assert_refuses_new_work(channel: grpc.aio.Channel, learner: Learner) -> None:
    practice = SpeechServiceStub(channel).OpenPractice(
        pb.OpenPracticeRequest(config=config(TEXT)), metadata=learner.metadata, timeout=10
    )
    calls: list[Awaitable[object]] = [
        AccountsServiceStub(channel).GetMe(accounts.GetMeRequest(), metadata=learner.metadata, timeout=10),
        practice.read(),
        Talk(channel, learner).begin(config(TEXT)),
    ]
    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        failure = failure_of(caught.value)
        assert failure.code is grpc.StatusCode.UNAVAILABLE
        assert failure.reason == "ERROR_REASON_SHUTTING_DOWN"
        assert failure.retry_seconds


async def test_a_speaker_may_finish(tmp_path: Path, audio: bytes) -> None:
    # With a PostgreSQL of its own, which must be gone in the end, too.
    async with serving(tmp_path / "home") as (server, learner, channel):
        # So that the process that decodes files is there.
        file = wav(synthesize(TEXT)[None], 16_000)
        await SpeechServiceStub(channel).Transcribe(
            pb.TranscribeRequest(audio=file), metadata=learner.metadata, timeout=20
        )
        children = server.children()
        assert children
        watch = channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )(health_pb2.HealthCheckRequest(service="kaiwa.speech.v1.SpeechService"))
        assert await watch.read() == SERVING
        async with Talk(channel, learner) as talk:
            await talk.begin(config(TEXT))
            half = len(audio) // 2
            await talk.send(pieces(audio[:half], CHUNK))
            await talk.until("speech_started")

            server.send(signal.SIGTERM)
            assert await watch.read() == NOT_SERVING
            await talk.until("notice")
            assert talk.outcome.notices == ["DRAINING"]
            await assert_refuses_new_work(channel, learner)
            assert not server.ended()

            await talk.send(pieces(audio[half:], CHUNK))
            await talk.finish()
            outcome = await talk.rest()
        assert outcome.assessment.assessable
        assert outcome.saved.audio_kept
        await has_ended(server, children)
        assert server.postgres() is None


async def test_a_speaker_on_the_web_may_finish(tmp_path: Path, database_url: str, audio: bytes) -> None:
    async with serving(tmp_path / "home", KAIWA_DATABASE_URL=database_url) as (server, learner, channel):
        speech, signed = SpeechServiceStub(channel), learner.metadata
        asked = config(TEXT)
        stream = speech.OpenPractice(pb.OpenPracticeRequest(config=asked), metadata=signed, timeout=60)

        async def until_event(kind: str) -> pb.OpenPracticeResponse:
            while True:
                event = await stream.read()
                assert event is not grpc.aio.EOF, kind
                event = cast("pb.OpenPracticeResponse", event)
                if event.WhichOneof("event") == kind:
                    return event

        async def push(start: int, end: int) -> None:
            request = pb.PushPracticeAudioRequest(practice_id=asked.practice_id, offset=start, audio=audio[start:end])
            await speech.PushPracticeAudio(request, metadata=signed, timeout=10)

        await until_event("ready")
        half = len(audio) // 2
        await push(0, half)
        await until_event("speech_started")
        server.send(signal.SIGTERM)
        await until_event("notice")
        # Its pushes are calls of their own, and still let in.
        await push(half, len(audio))
        finish = pb.FinishPracticeRequest(practice_id=asked.practice_id, final_offset=len(audio))
        await speech.FinishPractice(finish, metadata=signed, timeout=10)
        assert (await until_event("assessment")).assessment.assessable
        assert (await until_event("saved")).saved.attempt_id
        assert await stream.read() is grpc.aio.EOF
        assert await stream.code() is grpc.StatusCode.OK
        await has_ended(server, [])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_who_does_not_finish_within_the_grace_is_told(
    tmp_path: Path, database_url: str, audio: bytes, number: int
) -> None:
    settings = {"KAIWA_DATABASE_URL": database_url, "KAIWA_SHUTDOWN_GRACE_SECONDS": "0.5"}
    async with serving(tmp_path / "home", **settings) as (server, learner, channel):
        children = server.children()
        async with Talk(channel, learner) as talk:
            await talk.begin(config(TEXT))
            await talk.send(pieces(audio[: len(audio) // 2], CHUNK))
            await talk.until("speech_started")
            server.send(number)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await talk.rest()
            assert talk.outcome.notices == ["DRAINING"]
        failure = failure_of(caught.value)
        assert failure.code is grpc.StatusCode.UNAVAILABLE
        assert failure.reason == "ERROR_REASON_SHUTTING_DOWN"
        assert failure.retry_seconds
        await has_ended(server, children)
