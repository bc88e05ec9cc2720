"""`kaiwa-server health`: whether a running server, or Envoy, is well. For container health checks."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2

from server.config import Settings
from server.supervisor.envoy import reachable
from server.supervisor.probes import healthy_behind_envoy

_TIMEOUT_SECONDS = 3


def server_problem(settings: Settings) -> str | None:
    """Why the server at `settings.listen` is not well; None: it serves."""
    address = reachable(settings.listen)
    with grpc.insecure_channel(address) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            answer = check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            return f"{address} does not answer ({error.code().name})"
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        return f"{address} answers that it is not serving"
    return None


def envoy_problem(settings: Settings) -> str | None:
    """Why Envoy at `settings.envoy.listen` is not well; None: it has servers to send calls to."""
    address = reachable(settings.envoy.listen)
    return None if healthy_behind_envoy(address) else f"Envoy at {address} has no server that is well"
