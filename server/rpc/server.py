"""The gRPC server: services, health, reflection, the interceptors, and an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer

from server.rpc.interceptors.access_log import AccessLogInterceptor, CallMetrics
from server.rpc.interceptors.auth import Authenticate, AuthInterceptor
from server.rpc.interceptors.chain import LONGEST_STALL, MAX_MESSAGE_BYTES, Chain
from server.rpc.interceptors.errors import ErrorsInterceptor
from server.rpc.interceptors.limits import Gate, LimitsInterceptor, RateLimiter
from server.rpc.interceptors.request_context import RequestContextInterceptor
from server.rpc.interceptors.validation import ValidationInterceptor
from server.rpc.policy import POLICIES, MethodPolicy
from server.rpc.reflection import add_reflection

HEALTH = "grpc.health.v1.Health"


@dataclass(frozen=True, slots=True)
class Service:
    """One service to serve.

    Attributes:
        name: full name, such as `kaiwa.content.v1.ContentService`.
        add: the generated `add_..._to_server`.
        servicer: what answers.
    """

    name: str
    add: Callable[[Any, grpc.aio.Server], None]
    servicer: object


class RpcServer:
    """Serves the given services behind the interceptors.

    Args:
        services: what to serve.
        authenticate: turns an access token into its caller.
        limiter: counts calls.
        metrics: where measurements go.
        trusted_proxies: addresses whose `x-forwarded-for` is believed.
        policies: the terms of each method.
        longest_stall: how long a client may leave its responses unread, seconds.
    """

    def __init__(
        self,
        services: Sequence[Service],
        *,
        authenticate: Authenticate,
        limiter: RateLimiter,
        metrics: CallMetrics,
        trusted_proxies: Sequence[str] = (),
        policies: Mapping[str, MethodPolicy] = POLICIES,
        longest_stall: float = LONGEST_STALL,
    ) -> None:
        self.gate = Gate()
        self._services = tuple(service.name for service in services)
        self._server = grpc.aio.server(
            interceptors=[
                Chain(
                    [
                        RequestContextInterceptor(),
                        AccessLogInterceptor(metrics),
                        ErrorsInterceptor(),
                        AuthInterceptor(authenticate, policies),
                        LimitsInterceptor(policies, limiter, self.gate, trusted_proxies),
                        ValidationInterceptor(),
                    ],
                    longest_stall,
                )
            ],
            options=[
                ("grpc.max_receive_message_length", 2 * MAX_MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),
                # A phone that loses its network sends no FIN: find out within about 40 s.
                ("grpc.keepalive_time_ms", 30_000),
                ("grpc.keepalive_timeout_ms", 10_000),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
            ],
        )
        for service in services:
            service.add(service.servicer, self._server)
        self._health = HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        add_reflection(self._server, [*self._services, HEALTH])

    def listen(self, address: str) -> int:
        """Binds `host:port` (port 0: any free one) or `unix:/path`.

        Returns:
            The port bound.

        Raises:
            OSError: the address can't be bound.
        """
        try:
            port = self._server.add_insecure_port(address)
        except RuntimeError:
            port = 0
        if port == 0:
            raise OSError(f"can't listen on {address}: is something else listening there?")
        return port

    async def start(self) -> None:
        """Begins to answer, with every service reported as serving."""
        await self._server.start()
        await self.report(serving=True)

    async def report(self, *, serving: bool) -> None:
        """Sets the health of every service and of the empty name."""
        status = health_pb2.HealthCheckResponse.SERVING if serving else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._services):
            await self._health.set(name, status)

    async def drain(self, pause: timedelta) -> None:
        """Tells balancers to look elsewhere, waits for them to notice, then lets no new call in.

        Args:
            pause: how long balancers need to notice.
        """
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(pause.total_seconds())
        self.gate.close()

    async def stop(self, grace: timedelta) -> None:
        """Stops listening, gives calls under way `grace` to end, then cancels them."""
        await self._server.stop(grace.total_seconds())
