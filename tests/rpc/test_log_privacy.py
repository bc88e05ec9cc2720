"""The log says what happened and never what people entered or said, when things go well and when they break."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import grpc
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from kaiwa.accounts.v1 import accounts_service_pb2 as accounts
from kaiwa.accounts.v1 import accounts_service_pb2_grpc as accounts_rpc
from kaiwa.speech.v1 import audio_pb2, practice_pb2
from kaiwa.speech.v1 import speech_service_pb2 as speech
from kaiwa.speech.v1 import speech_service_pb2_grpc as speech_rpc
from server.errors import Reason
from server.kernel.identity import Role
from tests.support.assembled import PASSWORD, Assembled, address, assembled, bearing
from tests.support.rpc import failure_of
from tests.support.secrets import Log, internals, logging_as_in_production, told
from tests.support.speech import pcm, said

EMAIL = "mika.private@example.com"
USERNAME = "mika-private"
DEVICE = "Mika's private phone"
WRONG = "not the pass phrase"
HEARD = "秘密の雨です"
READING = "ヒミツ"
TOLD = "今日は秘密だ"
# What a line about a call says; anything else in one was added without thinking of this.
CALL = {
    "method",
    "duration_ms",
    "user_id",
    "requests",
    "responses",
    "audio_seconds",
    "code",
    "reason",
    "event",
    "request_id",
    "logger",
    "level",
    "timestamp",
}


@pytest.fixture
def log() -> Iterator[Log]:
    with logging_as_in_production() as kept:
        yield kept


@pytest.fixture
async def served(database_url: str, tmp_path: Path, log: Log) -> AsyncIterator[Assembled]:
    async with assembled(database_url, tmp_path / "home", ("accounts", "speech"), [Role.STUDENT]) as running:
        running.recogniser.finals = [said(HEARD)]
        running.recogniser.partials = [said(HEARD[:4])]
        yield running


def registration(email: str = EMAIL, username: str = USERNAME) -> accounts.RegisterRequest:
    return accounts.RegisterRequest(email=email, username=username, password=PASSWORD, device_name=DEVICE)


async def break_table(engine: AsyncEngine, table: str) -> None:
    """From now on the database refuses every new row, and says in its error what is in it."""
    async with engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE {table} ADD CONSTRAINT nothing_goes CHECK (false) NOT VALID"))


async def rename_column(engine: AsyncEngine, table: str, column: str) -> None:
    """From now on statements that name the column fail, and are in the error."""
    async with engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE {table} RENAME COLUMN {column} TO gone"))


def assert_only_an_id(error: grpc.aio.AioRpcError, log: Log, cause: str) -> None:
    failure = failure_of(error)
    assert (failure.code, failure.reason) == (grpc.StatusCode.INTERNAL, Reason.INTERNAL)
    assert internals(told(error)) == []
    assert cause in str(log.of(failure.metadata["error_id"])["exception"])


async def test_signing_in(served: Assembled, log: Log) -> None:
    stub = accounts_rpc.AccountsServiceStub(served.channel)
    made = await stub.Register(registration())
    again = await stub.Login(accounts.LoginRequest(login=EMAIL, password=PASSWORD, device_name=DEVICE))
    fresh = await stub.RefreshTokens(accounts.RefreshTokensRequest(refresh_token=again.tokens.refresh_token))
    failures = []
    for call in (
        stub.Register(registration()),
        stub.Register(registration("other.private@example.com")),
        stub.Register(accounts.RegisterRequest(email=f"{EMAIL} ", username=USERNAME, password=PASSWORD)),
        stub.Login(accounts.LoginRequest(login=USERNAME, password=WRONG)),
        stub.Login(accounts.LoginRequest(login="nobody.private@example.com", password=WRONG)),
        stub.RefreshTokens(accounts.RefreshTokensRequest(refresh_token=secrets.token_urlsafe(32))),
        stub.GetMe(accounts.GetMeRequest(), metadata=bearing(fresh.tokens.access_token + "x")),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        failures.append(failure_of(caught.value).reason)
    await stub.Logout(accounts.LogoutRequest(), metadata=bearing(made.tokens.access_token))

    assert failures == [
        Reason.EMAIL_TAKEN,
        Reason.USERNAME_TAKEN,
        Reason.INVALID_FIELD,
        Reason.INVALID_CREDENTIALS,
        Reason.INVALID_CREDENTIALS,
        Reason.REFRESH_TOKEN_INVALID,
        Reason.TOKEN_INVALID,
    ]
    pairs = [made.tokens, again.tokens, fresh.tokens]
    tokens = [token for pair in pairs for token in (pair.access_token, pair.refresh_token)]
    assert log.holds(PASSWORD, WRONG, EMAIL, USERNAME, DEVICE, ".private@", *tokens, *parts_of(tokens)) == []
    assert_calls_say_no_more_than_they_may(log, 12)


def parts_of(tokens: list[str]) -> list[str]:
    """The payloads and signatures of tokens, which must not stand alone either."""
    return [part for token in tokens for part in token.split(".")[1:]]


def assert_calls_say_no_more_than_they_may(log: Log, count: int) -> None:
    calls = [line for line in log.lines if line["event"] == "call"]
    assert len(calls) == count
    assert [set(line) - CALL for line in calls] == [set()] * count
    assert max(len(str(line)) for line in calls) < 1000


@pytest.mark.parametrize("table", ["users", "sessions", "refresh_tokens"])
async def test_registering_when_the_database_breaks(
    served: Assembled, log: Log, engine: AsyncEngine, table: str
) -> None:
    await break_table(engine, table)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await accounts_rpc.AccountsServiceStub(served.channel).Register(registration())
    assert_only_an_id(caught.value, log, "nothing_goes")
    assert log.holds(PASSWORD, EMAIL, USERNAME, DEVICE, "argon2id$") == []


@pytest.mark.parametrize(
    ("table", "column"), [("users", "password_hash"), ("sessions", "refreshed_at"), ("refresh_tokens", "token_hash")]
)
async def test_signing_in_when_the_schema_is_another(
    served: Assembled, log: Log, engine: AsyncEngine, table: str, column: str
) -> None:
    await rename_column(engine, table, column)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await accounts_rpc.AccountsServiceStub(served.channel).Login(
            accounts.LoginRequest(login=address(Role.STUDENT), password=PASSWORD, device_name=DEVICE)
        )
    assert_only_an_id(caught.value, log, column)
    assert log.holds(PASSWORD, address(Role.STUDENT), DEVICE) == []


async def test_refreshing_when_the_database_breaks(served: Assembled, log: Log, engine: AsyncEngine) -> None:
    stub = accounts_rpc.AccountsServiceStub(served.channel)
    made = await stub.Register(registration())
    await break_table(engine, "refresh_tokens")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.RefreshTokens(accounts.RefreshTokensRequest(refresh_token=made.tokens.refresh_token))
    assert_only_an_id(caught.value, log, "nothing_goes")
    assert log.holds(EMAIL, made.tokens.refresh_token, made.tokens.access_token) == []


SPEECH = pcm((0.5, 0.0), (2.0, 0.3), (0.5, 0.0))
FINALS = practice_pb2.ReturnOptions(partials=False)
LINEAR16 = audio_pb2.AudioFormat(encoding=audio_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16_000)


async def practise(served: Assembled) -> None:
    """One practice. Keeps to the server's pace: gRPC's client forgets why a call ended when it was just sending."""
    stream = speech_rpc.SpeechServiceStub(served.channel).Practice(metadata=served.signed_in(Role.STUDENT), timeout=30)
    config = practice_pb2.PracticeConfig(
        practice_id=str(uuid.uuid4()), audio_format=LINEAR16, reference_text=TOLD, return_options=FINALS
    )
    await stream.write(speech.PracticeRequest(config=config))
    await stream.read()
    for chunk in (SPEECH[:60_000], SPEECH[60_000:]):
        await stream.write(speech.PracticeRequest(audio=chunk))
    # Without partials there is nothing that could fail before the finish.
    await stream.write(speech.PracticeRequest(finish=practice_pb2.PracticeFinish()))
    while await stream.read() is not grpc.aio.EOF:
        pass


async def transcribe(served: Assembled) -> None:
    """One transcription."""
    request = speech.TranscribeRequest(audio=SPEECH, format=LINEAR16)
    response = await speech_rpc.SpeechServiceStub(served.channel).Transcribe(
        request, metadata=served.signed_in(Role.STUDENT), timeout=30
    )
    assert response.transcript.text == HEARD


def assert_nothing_said_is_in(log: Log) -> None:
    loud = SPEECH[20_000:20_048]
    assert log.holds(HEARD, HEARD[:4], READING, TOLD, loud, "fLaC") == []


async def test_speaking(served: Assembled, log: Log) -> None:
    await practise(served)
    await transcribe(served)
    assert_nothing_said_is_in(log)
    assert_calls_say_no_more_than_they_may(log, 3)
    assert [line["audio_seconds"] for line in log.lines if "audio_seconds" in line] == [3.0, 3.0]


async def test_speaking_when_the_attempt_cannot_be_stored(served: Assembled, log: Log, engine: AsyncEngine) -> None:
    await break_table(engine, "attempts")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await practise(served)
    assert_only_an_id(caught.value, log, "nothing_goes")
    assert_nothing_said_is_in(log)


@pytest.mark.parametrize("use", [practise, transcribe])
async def test_speaking_when_the_recogniser_breaks(
    served: Assembled, log: Log, use: Callable[[Assembled], Awaitable[None]]
) -> None:
    served.recogniser.crash = RuntimeError("engine")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await use(served)
    assert_only_an_id(caught.value, log, "engine")
    assert_nothing_said_is_in(log)


async def test_a_recording_whose_store_is_away(served: Assembled, log: Log) -> None:
    await practise(served)
    folder = served.settings.home / "objects"
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("a file where the folder was")
    stub = speech_rpc.SpeechServiceStub(served.channel)
    metadata = served.signed_in(Role.STUDENT)
    (attempt,) = (await stub.ListAttempts(speech.ListAttemptsRequest(), metadata=metadata)).attempts
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in stub.GetAttemptAudio(
            speech.GetAttemptAudioRequest(attempt_id=attempt.attempt_id), metadata=metadata
        ):
            pass
    failure = failure_of(caught.value)
    assert (failure.code, failure.reason) == (grpc.StatusCode.UNAVAILABLE, Reason.STORAGE_UNAVAILABLE)
    assert failure.retry_seconds == 2
    assert internals(told(caught.value)) == []
    assert str(folder) not in told(caught.value)
