"""What was acknowledged is kept: through a kill of everything, and while the database is away."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

import grpc
import psutil
import pytest

from kaiwa.accounts.v1 import accounts_service_pb2 as accounts
from kaiwa.accounts.v1.accounts_service_pb2_grpc import AccountsServiceStub
from kaiwa.content.v1 import content_service_pb2 as content
from kaiwa.content.v1.content_service_pb2_grpc import ContentServiceStub
from kaiwa.content.v1.sentence_pb2 import SENTENCE_SOURCE_CUSTOM, VISIBILITY_PRIVATE
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.audio_pb2 import AUDIO_FILE_FORMAT_LINEAR16
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from server.adapters.openjtalk.synthesis import synthesize
from tests.support.processes import until
from tests.support.real_practice import CHUNK, Talk, config, linear16, pieces, practise
from tests.support.real_server import Learner, RealServer, cleaned_up
from tests.support.rpc import failure_of

if TYPE_CHECKING:
    from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceAsyncStub

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

TEXT = "今日はいい天気です。"
AWAY = 5
"""Seconds that the database is away."""


@pytest.fixture(scope="module")
def audio() -> bytes:
    return linear16(synthesize(TEXT))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RealServer]:
    with cleaned_up(RealServer(tmp_path / "home")) as server:
        server.start()
        yield server


@dataclass(slots=True)
class Acknowledged:
    """What a learner was told is stored."""

    sentences: list[content.CreateSentenceResponse] = field(default_factory=list)
    attempts: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, kept: list[str], identity: str) -> None:
        kept.append(identity)
        if len(self.sentences) >= 20 and len(self.attempts) >= 3:
            self.enough.set()


def new_sentence() -> content.CreateSentenceRequest:
    return content.CreateSentenceRequest(
        request_id=str(uuid.uuid4()),
        japanese=f"雨の日 {uuid.uuid4().hex}",
        source=SENTENCE_SOURCE_CUSTOM,
        visibility=VISIBILITY_PRIVATE,
    )


async def create_sentences(channel: grpc.aio.Channel, learner: Learner, acknowledged: Acknowledged) -> None:
    stub = ContentServiceStub(channel)
    while True:
        request = new_sentence()
        acknowledged.sentences.append(await stub.CreateSentence(request, metadata=learner.metadata, timeout=20))


async def speak(channel: grpc.aio.Channel, learner: Learner, audio: bytes, acknowledged: Acknowledged) -> None:
    stub = SpeechServiceStub(channel)
    while True:
        started = await stub.StartSpeakingSession(
            pb.StartSpeakingSessionRequest(request_id=str(uuid.uuid4())), metadata=learner.metadata, timeout=20
        )
        session = started.speaking_session.speaking_session_id
        acknowledged.add(acknowledged.sessions, session)
        outcome = await practise(channel, learner, config(TEXT, speaking_session_id=session), pieces(audio, CHUNK))
        acknowledged.add(acknowledged.attempts, outcome.saved.attempt_id)


async def test_a_kill_of_everything_loses_nothing(server: RealServer, audio: bytes) -> None:
    learner = await asyncio.to_thread(server.register)
    acknowledged = Acknowledged()
    async with server.channel() as channel:
        busy = [
            asyncio.create_task(create_sentences(channel, learner, acknowledged)),
            asyncio.create_task(speak(channel, learner, audio, acknowledged)),
            asyncio.create_task(speak(channel, learner, audio, acknowledged)),
        ]
        enough = asyncio.create_task(acknowledged.enough.wait())
        await asyncio.wait([enough, *busy], timeout=60, return_when=asyncio.FIRST_COMPLETED)
        assert enough.done(), busy
        # While more is under way.
        victims = [psutil.Process(server.pid), *server.children()]
        assert any("postgres" in victim.name() for victim in victims)
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        ended = await asyncio.gather(*busy, return_exceptions=True)
    assert all(isinstance(end, grpc.aio.AioRpcError) for end in ended), ended
    server.wait()
    until(lambda: server.postgres() is None, "PostgreSQL to be dead")

    await asyncio.to_thread(server.start)
    async with server.channel() as channel:
        await assert_kept(channel, learner, acknowledged, audio)


async def assert_kept(channel: grpc.aio.Channel, learner: Learner, kept: Acknowledged, audio: bytes) -> None:
    signed = learner.metadata
    # The sign-in of before.
    account = AccountsServiceStub(channel)
    assert (await account.GetMe(accounts.GetMeRequest(), metadata=signed, timeout=10)).user.id == learner.user_id
    refreshed = await account.RefreshTokens(
        accounts.RefreshTokensRequest(refresh_token=learner.refresh_token), timeout=10
    )
    assert refreshed.tokens.access_token
    login = accounts.LoginRequest(login=learner.email, password=learner.password)
    assert (await account.Login(login, timeout=10)).tokens.access_token

    for made in kept.sentences:
        request = content.GetSentenceRequest(id=made.sentence.id)
        stored = await ContentServiceStub(channel).GetSentence(request, metadata=signed, timeout=10)
        assert stored.sentence == made.sentence
    speech = SpeechServiceStub(channel)
    for attempt_id in kept.attempts:
        found = await speech.GetAttempt(pb.GetAttemptRequest(attempt_id=attempt_id), metadata=signed, timeout=10)
        assert found.attempt.assessment.assessable
        assert found.attempt.speaking_session_id in kept.sessions
        assert await stored_audio(speech, learner, attempt_id) == audio
    sessions = await speech.ListSpeakingSessions(
        pb.ListSpeakingSessionsRequest(page_size=200), metadata=signed, timeout=10
    )
    assert {session.speaking_session_id for session in sessions.speaking_sessions} >= set(kept.sessions)
    attempts = await speech.ListAttempts(pb.ListAttemptsRequest(page_size=200), metadata=signed, timeout=10)
    assert {attempt.attempt_id for attempt in attempts.attempts} >= set(kept.attempts)


async def stored_audio(speech: SpeechServiceAsyncStub, learner: Learner, attempt_id: str) -> bytes:
    request = pb.GetAttemptAudioRequest(attempt_id=attempt_id, format=AUDIO_FILE_FORMAT_LINEAR16)
    call = speech.GetAttemptAudio(request, metadata=learner.metadata, timeout=10)
    audio = b""
    while (part := await call.read()) is not grpc.aio.EOF:
        audio += cast("pb.GetAttemptAudioResponse", part).audio
    return audio


async def test_the_database_is_away_while_someone_speaks(server: RealServer, audio: bytes) -> None:
    learner = await asyncio.to_thread(server.register)
    async with server.channel() as channel, Talk(channel, learner) as talk:
        await talk.begin(config(TEXT))
        half = len(audio) // 2
        await talk.send(pieces(audio[:half], CHUNK))
        await talk.until("speech_started")
        stop_postgres(server)
        await talk.send(pieces(audio[half:], CHUNK))
        await talk.finish()
        # The result does not wait for the database.
        assert (await talk.until("assessment")).assessment.assessable
        await talk.until("notice")
        assert talk.outcome.notices == ["SAVING_DELAYED"]

        saved = asyncio.create_task(talk.until("saved"))
        await assert_told_that_it_is_away(channel, learner)
        done, _ = await asyncio.wait({saved}, timeout=AWAY)
        assert not done, "it can't be saved yet"
        await assert_told_that_it_is_away(channel, learner)

        await asyncio.to_thread(start_postgres, server)
        attempt_id = (await saved).saved.attempt_id
        outcome = await talk.rest()
        assert outcome.saved.audio_kept
        speech = SpeechServiceStub(channel)
        request = pb.GetAttemptRequest(attempt_id=attempt_id)
        found = await speech.GetAttempt(request, metadata=learner.metadata, timeout=10)
        assert found.attempt.transcript == outcome.transcript
        assert await stored_audio(speech, learner, attempt_id) == audio
        account = AccountsServiceStub(channel)
        await account.GetMe(accounts.GetMeRequest(), metadata=learner.metadata, timeout=10)
    assert server.stop() == 0
    assert server.postgres() is None


def stop_postgres(server: RealServer) -> None:
    """As an administrator would: connections are cut, nobody is let in."""
    postgres = server.postgres()
    assert postgres is not None
    postgres.send_signal(signal.SIGINT)
    until(lambda: server.postgres() is None, "PostgreSQL to end")


def start_postgres(server: RealServer) -> None:
    """Starts it again in the server's folder; what else `migrate` does was done before."""
    environment = {**os.environ, "KAIWA_HOME": str(server.home)}
    subprocess.run([sys.executable, "-P", "-m", "server", "migrate"], env=environment, check=True, timeout=60)
    assert server.postgres() is not None


async def assert_told_that_it_is_away(channel: grpc.aio.Channel, learner: Learner) -> None:
    """Every kind of call is refused, well within the time that people wait, with the time to try again."""
    account, texts, speech = AccountsServiceStub(channel), ContentServiceStub(channel), SpeechServiceStub(channel)
    signed, soon = learner.metadata, 4
    calls: list[Awaitable[object]] = [
        account.GetMe(accounts.GetMeRequest(), metadata=signed, timeout=soon),
        account.Login(accounts.LoginRequest(login=learner.email, password=learner.password), timeout=soon),
        texts.ListSentences(content.ListSentencesRequest(), metadata=signed, timeout=soon),
        texts.CreateSentence(new_sentence(), metadata=signed, timeout=soon),
        speech.ListAttempts(pb.ListAttemptsRequest(), metadata=signed, timeout=soon),
    ]
    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        failure = failure_of(caught.value)
        assert failure.code is grpc.StatusCode.UNAVAILABLE
        assert failure.reason == "ERROR_REASON_DATABASE_UNAVAILABLE"
        assert failure.retry_seconds
