"""A real gRPC server on a free port, with the production interceptors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import grpc
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from server.errors import Reason, Unauthenticated
from server.kernel.identity import Caller, Role, SessionId, UserId
from server.kernel.rates import Rate
from server.rpc.interceptors.auth import Authenticate
from server.rpc.interceptors.chain import LONGEST_STALL
from server.rpc.policy import POLICIES, MethodPolicy
from server.rpc.server import RpcServer, Service

LATER = datetime(2100, 1, 1, tzinfo=UTC)


def caller(role: Role = Role.STUDENT, user_id: str = "0198c0de-0000-7000-8000-000000000001") -> Caller:
    """A caller whose token lives long."""
    return Caller(UserId(user_id), role, SessionId("0198c0de-0000-7000-8000-0000000000ff"), LATER)


async def token_is_role(token: str) -> Caller:
    """Authenticates the tokens `student`, `teacher` and `admin` as such a caller."""
    if token not in set(Role):
        raise Unauthenticated(Reason.TOKEN_INVALID, "The access token is not valid.")
    return caller(Role(token))


@dataclass(slots=True)
class Refusal:
    """A rate limit that is used up."""

    limit: int = 3
    period: timedelta = timedelta(minutes=1)
    retry_after: timedelta = timedelta(seconds=7)


@dataclass(slots=True)
class CountingLimiter:
    """Counts calls and refuses those of the rates in `refused`."""

    hits: list[tuple[Rate, str]] = field(default_factory=list)
    refused: set[Rate] = field(default_factory=set)

    async def hit(self, rate: Rate, key: str) -> Refusal | None:
        """Remembers the call."""
        self.hits.append((rate, key))
        return Refusal() if rate in self.refused else None


@dataclass(slots=True)
class KeptMetrics:
    """Remembers what was measured; raises `fault` when a call starts, if there is one."""

    fault: Exception | None = None
    ended: list[tuple[str, str]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def call_started(self, method: str) -> None:
        """Fails when told to."""
        if self.fault is not None:
            raise self.fault

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        """Remembers method and code."""
        self.ended.append((method, code))
        self.changed.set()


@dataclass(slots=True)
class Served:
    """A server that answers.

    Attributes:
        channel: connected to it.
        address: where it listens.
    """

    server: RpcServer
    channel: grpc.aio.Channel
    address: str
    limiter: CountingLimiter
    metrics: KeptMetrics


@asynccontextmanager
async def serving(
    services: Sequence[Service],
    policies: Mapping[str, MethodPolicy] = POLICIES,
    authenticate: Authenticate = token_is_role,
    longest_stall: float = LONGEST_STALL,
) -> AsyncIterator[Served]:
    """Serves on a free port with the production interceptors until the block ends."""
    limiter, metrics = CountingLimiter(), KeptMetrics()
    server = RpcServer(
        services,
        authenticate=authenticate,
        limiter=limiter,
        metrics=metrics,
        trusted_proxies=("127.0.0.1",),
        policies=policies,
        longest_stall=longest_stall,
    )
    port = server.listen("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield Served(server, channel, f"127.0.0.1:{port}", limiter, metrics)
    finally:
        await server.stop(timedelta(0))


def bearer(role: Role = Role.STUDENT) -> tuple[tuple[str, str], ...]:
    """Metadata that authenticates as a role."""
    return (("authorization", f"Bearer {role.value}"),)


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call as a client sees it.

    Attributes:
        reason: of its one ErrorInfo; empty where there is none.
        fields: of its BadRequest.
        retry_seconds: of its RetryInfo; None where there is none.
    """

    code: grpc.StatusCode
    message: str
    reason: str
    metadata: dict[str, str]
    fields: tuple[str, ...]
    retry_seconds: float | None


def failure_of(error: grpc.aio.AioRpcError) -> Failure:
    """Reads the rich details of a failed call."""
    trailers = {key: value for key, value in error.trailing_metadata() or ()}
    raw = trailers.get("grpc-status-details-bin", b"")
    status = Status.FromString(raw if isinstance(raw, bytes) else raw.encode())
    reason = ""
    metadata: dict[str, str] = {}
    fields: tuple[str, ...] = ()
    retry: float | None = None
    infos = 0
    for detail in status.details:
        info, bad, wait = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            assert info.domain == "kaiwa"
            infos += 1
            reason, metadata = info.reason, dict(info.metadata)
        elif detail.Unpack(bad):
            fields = tuple(violation.field for violation in bad.field_violations)
        elif detail.Unpack(wait):
            retry = wait.retry_delay.ToTimedelta().total_seconds()
    assert infos <= 1
    return Failure(error.code(), error.details() or "", reason, metadata, fields, retry)
