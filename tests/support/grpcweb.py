"""A small gRPC-web client (binary mode, over HTTP/1.1), as a browser would be one."""

from __future__ import annotations

import base64
import http.client
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import unquote

from google.rpc.status_pb2 import Status

TRAILERS = 0x80


@dataclass(slots=True)
class GrpcWebCall:
    """One call: its headers are there at once, messages come by iterating, trailers when they have ended."""

    response: http.client.HTTPResponse
    connection: http.client.HTTPConnection
    headers: dict[str, str]
    trailers: dict[str, str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[bytes]:
        while len(head := self.response.read(5)) == 5:
            payload = self.response.read(int.from_bytes(head[1:], "big"))
            if head[0] & TRAILERS:
                self.trailers = _trailers(payload)
            else:
                yield payload
        self.connection.close()

    def __enter__(self) -> GrpcWebCall:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.response.close()
        self.connection.close()

    @property
    def status(self) -> int:
        """The gRPC status code, wherever it stands: a call without messages has it among its headers."""
        return int(self._ended("grpc-status") or -1)

    @property
    def message(self) -> str:
        """The status's message."""
        return unquote(self._ended("grpc-message"))

    @property
    def details(self) -> Status:
        """What `grpc-status-details-bin` holds."""
        encoded = self._ended("grpc-status-details-bin")
        return Status.FromString(base64.b64decode(encoded + "=" * (-len(encoded) % 4)))

    def _ended(self, name: str) -> str:
        return self.trailers.get(name) or self.headers.get(name, "")


class GrpcWeb:
    """Calls methods at `host:port`.

    Args:
        address: of Envoy.
        origin: what a browser would send as its page's origin; None: none.
        timeout: seconds to wait for the next byte.
    """

    def __init__(self, address: str, *, origin: str | None = None, timeout: float = 10) -> None:
        self._address = address
        self._origin = origin
        self._timeout = timeout

    def start(self, method: str, request: bytes, metadata: Mapping[str, str] | None = None) -> GrpcWebCall:
        """Sends one request message and returns when the headers of the answer are there."""
        connection = http.client.HTTPConnection(self._address, timeout=self._timeout)
        headers = {"content-type": "application/grpc-web+proto", "x-grpc-web": "1", **(metadata or {})}
        if self._origin is not None:
            headers["origin"] = self._origin
        connection.request("POST", method, b"\0" + len(request).to_bytes(4, "big") + request, headers)
        response = connection.getresponse()
        return GrpcWebCall(response, connection, {name.lower(): value for name, value in response.getheaders()})

    def call(
        self, method: str, request: bytes, metadata: Mapping[str, str] | None = None
    ) -> tuple[list[bytes], GrpcWebCall]:
        """Runs a call to its end; all its messages, and the call."""
        call = self.start(method, request, metadata)
        return list(call), call


def _trailers(payload: bytes) -> dict[str, str]:
    lines = [line.partition(":") for line in payload.decode("ascii").split("\r\n") if line]
    return {name.strip().lower(): value.strip() for name, _, value in lines}
