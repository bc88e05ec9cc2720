"""A small Kaiwa over a real port, for the tests of clients: it answers by the contract from a script.

Accounts, sessions and sentences are here; practices in `fake_practice`. Requests are checked against the contract's
rules, so a client that sends something invalid fails its test.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import grpc
import grpc.aio
import protovalidate
from google.protobuf.message import Message

from kaiwa.accounts.v1 import accounts_service_pb2 as accounts_pb2
from kaiwa.accounts.v1 import accounts_service_pb2_grpc, session_pb2, user_pb2
from kaiwa.content.v1 import content_service_pb2 as content_pb2
from kaiwa.content.v1 import content_service_pb2_grpc, sentence_pb2
from server.errors import AlreadyExists, ApplicationError, NotFound, Reason, Unauthenticated
from server.rpc.status import abort
from tests.support.fake_practice import FakeSpeech
from tests.support.kernel import NOON

EMAIL, PASSWORD = "mika@example.com", "correct horse"
SENTENCE_ID = "0198c0de-0000-7000-a000-000000000001"
RAIN = sentence_pb2.Sentence(
    id=SENTENCE_ID,
    japanese="今日は雨だ",
    reading="きょうはあめだ",
    english="It is rainy today.",
    difficulty=2,
    jlpt_level=sentence_pb2.JLPT_LEVEL_N5,
    tags=["weather"],
    visibility=sentence_pb2.VISIBILITY_SHARED,
)


@dataclass(slots=True)
class FakeSession:
    """A sign-in: its live tokens, and the last refresh."""

    access: str
    refresh: str
    last_request_id: str = ""
    used: set[str] = field(default_factory=set)


@dataclass(slots=True)
class FakeState:
    """What the server knows, and what it was asked; outlives a restart.

    Attributes:
        now: the server's time; tokens are made with it.
        access_life: how long access tokens live.
        expired: access tokens that are answered with TOKEN_EXPIRED.
        lose_next_refresh: answers the next refresh with UNAVAILABLE after it was done.
        overloaded: errors with which the next calls of ListSentences are answered.
        calls: the names of the methods called, in order.
        requests: the requests of Register, Login, RefreshTokens and ListSentences, in order.
    """

    now: datetime = NOON
    access_life: timedelta = timedelta(minutes=15)
    passwords: dict[str, str] = field(default_factory=lambda: {EMAIL: PASSWORD})
    sessions: list[FakeSession] = field(default_factory=list)
    expired: set[str] = field(default_factory=set)
    lose_next_refresh: bool = False
    overloaded: list[ApplicationError] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    made: int = 0

    def new_session(self) -> session_pb2.TokenPair:
        """Begins a session."""
        session = FakeSession("", "")
        self.sessions.append(session)
        return self.issue(session)

    def issue(self, session: FakeSession) -> session_pb2.TokenPair:
        """New tokens for a session."""
        self.made += 1
        session.access, session.refresh = f"access-{self.made}", f"refresh-{self.made}"
        pair = session_pb2.TokenPair(access_token=session.access, refresh_token=session.refresh, token_type="Bearer")
        pair.access_token_expire_time.FromDatetime(self.now + self.access_life)
        pair.refresh_token_expire_time.FromDatetime(self.now + timedelta(days=30))
        return pair

    def check(self, context: grpc.aio.ServicerContext[object, object]) -> FakeSession:
        """The session of a call.

        Raises:
            Unauthenticated: it has none that is good.
        """
        metadata = dict(context.invocation_metadata() or ())
        token = str(metadata.get("authorization", "")).removeprefix("Bearer ")
        if not token:
            raise Unauthenticated(Reason.TOKEN_MISSING, "There is no access token.")
        if token in self.expired:
            raise Unauthenticated(Reason.TOKEN_EXPIRED, "The access token has expired.")
        for session in self.sessions:
            if session.access == token:
                return session
        raise Unauthenticated(Reason.SESSION_REVOKED, "The session has ended.")


class _Accounts(accounts_service_pb2_grpc.AccountsServiceServicer):
    def __init__(self, state: FakeState) -> None:
        self._state = state

    async def Register(self, request, context):  # type: ignore[no-untyped-def]
        self._saw("Register", request)
        if request.email in self._state.passwords:
            await abort(context, AlreadyExists(Reason.EMAIL_TAKEN, "taken", metadata={"field": "email"}))
        self._state.passwords[request.email] = request.password
        return accounts_pb2.RegisterResponse(
            user=_user(request.email, request.username), tokens=self._state.new_session()
        )

    async def Login(self, request, context):  # type: ignore[no-untyped-def]
        self._saw("Login", request)
        if self._state.passwords.get(request.login) != request.password:
            await abort(context, Unauthenticated(Reason.INVALID_CREDENTIALS, "no such account or wrong password"))
        return accounts_pb2.LoginResponse(user=_user(request.login), tokens=self._state.new_session())

    async def RefreshTokens(self, request, context):  # type: ignore[no-untyped-def]
        self._saw("RefreshTokens", request)
        for session in self._state.sessions:
            again = request.refresh_token in session.used and request.request_id == session.last_request_id
            if session.refresh == request.refresh_token or again:
                session.used.add(request.refresh_token)
                session.last_request_id = request.request_id
                tokens = self._state.issue(session)
                if self._state.lose_next_refresh:
                    self._state.lose_next_refresh = False
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "connection reset")
                return accounts_pb2.RefreshTokensResponse(tokens=tokens)
        await abort(context, Unauthenticated(Reason.REFRESH_TOKEN_INVALID, "unknown"))

    async def Logout(self, request, context):  # type: ignore[no-untyped-def]
        self._saw("Logout", request)
        try:
            self._state.sessions.remove(self._state.check(context))
        except Unauthenticated as error:
            await abort(context, error)
        return accounts_pb2.LogoutResponse()

    async def GetMe(self, request, context):  # type: ignore[no-untyped-def]
        self._saw("GetMe", request)
        try:
            self._state.check(context)
        except Unauthenticated as error:
            await abort(context, error)
        return accounts_pb2.GetMeResponse(user=_user(EMAIL))

    async def GetPublicConfig(self, request, context):  # type: ignore[no-untyped-def]
        return accounts_pb2.GetPublicConfigResponse()

    def _saw(self, name: str, request: Message) -> None:
        protovalidate.validate(request)
        self._state.calls.append(name)
        self._state.requests.append(request)


class _Content(content_service_pb2_grpc.ContentServiceServicer):
    def __init__(self, state: FakeState) -> None:
        self._state = state

    async def ListSentences(self, request, context):  # type: ignore[no-untyped-def]
        protovalidate.validate(request)
        self._state.calls.append("ListSentences")
        self._state.requests.append(request)
        try:
            self._state.check(context)
            if self._state.overloaded:
                raise self._state.overloaded.pop(0)
            if request.query == "nothing":
                raise NotFound(Reason.SENTENCE_NOT_FOUND, "none", metadata={"sentence_id": SENTENCE_ID})
        except ApplicationError as error:
            await abort(context, error)
        if request.page_token:
            return content_pb2.ListSentencesResponse(sentences=[RAIN])
        return content_pb2.ListSentencesResponse(sentences=[RAIN], next_page_token="2")


def _user(login: str, username: str = "mika") -> user_pb2.User:
    user = user_pb2.User(
        id=str(uuid.UUID(int=1)),
        email=login,
        username=username,
        role=user_pb2.ROLE_STUDENT,
        level=3,
        native_language="en",
        time_zone="UTC",
    )
    user.create_time.FromDatetime(NOON)
    return user


@dataclass(slots=True)
class FakeKaiwa:
    """A running server.

    Attributes:
        address: where it listens.
        state: accounts and what was asked.
        speech: practices and their script.
    """

    address: str
    state: FakeState
    speech: FakeSpeech
    _server: grpc.aio.Server

    async def restart(self) -> None:
        """Breaks every connection and comes back at the same address with what it knew."""
        await self._server.stop(None)
        self._server = await _start(self.state, self.speech, self.address)

    async def stop(self) -> None:
        """Ends."""
        await self._server.stop(None)


async def _start(
    state: FakeState, speech: FakeSpeech, address: str, tls: grpc.ServerCredentials | None = None
) -> grpc.aio.Server:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    accounts_service_pb2_grpc.add_AccountsServiceServicer_to_server(_Accounts(state), server)
    content_service_pb2_grpc.add_ContentServiceServicer_to_server(_Content(state), server)
    speech.add_to(server)
    speech.port = server.add_secure_port(address, tls) if tls else server.add_insecure_port(address)
    await server.start()
    return server


@asynccontextmanager
async def fake_kaiwa(tls: grpc.ServerCredentials | None = None) -> AsyncIterator[FakeKaiwa]:
    """A server on a free port of this machine."""
    state = FakeState()
    speech = FakeSpeech(state.check)
    server = await _start(state, speech, "127.0.0.1:0", tls)
    fake = FakeKaiwa(f"127.0.0.1:{speech.port}", state, speech, server)
    try:
        yield fake
    finally:
        await fake.stop()
