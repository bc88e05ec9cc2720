"""Addresses and the channel to the server."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio

DEFAULT_ADDRESS = "127.0.0.1:50051"
_DEFAULT_PORT = 50051
_TLS_PORT = 443
_MOST_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int
    tls: bool

    @property
    def target(self) -> str:
        """`host:port` as gRPC takes it, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def local(self) -> bool:
        """Whether it is this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"https://{self.target}" if self.tls else self.target


def parse_address(text: str, *, tls: bool = False) -> Address:
    """Reads `host`, `host:port`, `[v6]:port`, `http://host:port` or `https://host[:port]`.

    Args:
        text: the address.
        tls: asks for TLS where the text does not say.

    Raises:
        ValueError: the text is none of these.
    """
    rest = text.strip()
    if rest.startswith("https://"):
        rest, tls = rest.removeprefix("https://"), True
    elif rest.startswith("http://"):
        rest = rest.removeprefix("http://")
        if tls:
            raise ValueError(f"{text!r} says http, but TLS was asked for")
    rest = rest.rstrip("/")
    default = _TLS_PORT if tls else _DEFAULT_PORT
    host, port_text = rest, str(default)
    if rest.startswith("["):
        host, _, after = rest[1:].partition("]")
        port_text = after.removeprefix(":") or str(default)
    elif rest.count(":") == 1:
        host, _, port_text = rest.partition(":")
    if not host or "/" in host or any(character.isspace() for character in host):
        raise ValueError(f"{text!r} is no address; an address looks like 127.0.0.1:50051 or https://kaiwa.example")
    if not port_text.isdigit() or not 0 < int(port_text) < 65536:
        raise ValueError(f"{text!r} has no port between 1 and 65535")
    return Address(host, int(port_text), tls)


def open_channel(address: Address, *, user_agent: str, ca_file: Path | None = None) -> grpc.aio.Channel:
    """A channel that notices dead connections and comes back quickly after a break.

    Args:
        address: where to.
        user_agent: how the client names itself.
        ca_file: PEM certificates to trust with TLS in place of the system's.

    Raises:
        OSError: the certificates can't be read.
    """
    options: list[tuple[str, str | int]] = [
        ("grpc.primary_user_agent", user_agent),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.max_send_message_length", _MOST_BYTES),
        ("grpc.max_receive_message_length", _MOST_BYTES),
        ("grpc.enable_retries", 0),
    ]
    if address.local:
        options.append(("grpc.enable_http_proxy", 0))
    if not address.tls:
        return grpc.aio.insecure_channel(address.target, options=options)
    roots = ca_file.read_bytes() if ca_file else None
    return grpc.aio.secure_channel(address.target, grpc.ssl_channel_credentials(roots), options=options)
