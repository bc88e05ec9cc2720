"""Whether the parts of Kaiwa answer. Only the standard library, as a supervisor forks."""

from __future__ import annotations

import http.client

_CHECK = "/grpc.health.v1.Health/Check"
_SERVING = b"\x08\x01"


def serving_through_envoy(address: str) -> bool:
    """Whether the server reports that it serves, asked by gRPC-web through Envoy.

    Args:
        address: `host:port` that Envoy listens at.
    """
    try:
        status, body = _request(
            address, "POST", _CHECK, b"\0\0\0\0\0", {"content-type": "application/grpc-web+proto", "x-grpc-web": "1"}
        )
    except (OSError, http.client.HTTPException):
        return False
    # One frame: no flags, its length, and HealthCheckResponse{status: SERVING}.
    return status == 200 and body.startswith(b"\0" + len(_SERVING).to_bytes(4, "big") + _SERVING)


def healthy_behind_envoy(address: str) -> bool:
    """Whether Envoy's own health checks have found every group of servers well."""
    try:
        status, _ = _request(address, "GET", "/healthz")
    except (OSError, http.client.HTTPException):
        return False
    return status == 200


def drain_envoy(admin: str) -> None:
    """Tells Envoy to take no new connections; those that it has go on."""
    try:
        _request(admin, "POST", "/drain_listeners")
    except (OSError, http.client.HTTPException):
        # It is gone already, which is as good.
        return


def _request(
    address: str, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, timeout=2)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, response.read(65536)
    finally:
        connection.close()
