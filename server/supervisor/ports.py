"""Whether the addresses that Kaiwa listens at are free."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from contextlib import suppress

import psutil


class PortTaken(Exception):
    """Something else listens at an address. The message names it, the port and the setting to change."""


def check_free(addresses: Mapping[str, str]) -> None:
    """Makes sure that nothing listens at the addresses.

    Args:
        addresses: `host:port` (or `unix:/path`, which is not checked) by the setting that chooses it.

    Raises:
        PortTaken: one is taken, or can't be listened at.
    """
    problems = [problem for setting, address in addresses.items() if (problem := _problem(setting, address))]
    if problems:
        raise PortTaken("\n".join(problems))


def _problem(setting: str, address: str) -> str | None:
    if address.startswith("unix:"):
        return None
    host, _, text = address.rpartition(":")
    host, port = host.strip("[]"), int(text)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        return f"{setting}: there is no address {host} ({error.strerror})."
    family, kind, protocol, _, where = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # As servers do: else connections that closed a moment ago would count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(where)
            probe.listen(1)
        except OSError as error:
            return _explain(setting, host, port, error)
    return None


def _explain(setting: str, host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is taken by {_listener(port) or 'another program'}. Stop that, or choose another port: "
            f"{setting}={host}:{port + 1 if port < 65535 else port - 1} make run"
        )
    if error.errno == errno.EACCES:
        return (
            f"Port {port} needs more rights than this user has. Choose one above 1023: {setting}={host}:{port + 8000}"
        )
    return f"Can't listen at {host}:{port} ({error.strerror}). Choose another address by {setting}."


def _listener(port: int) -> str | None:
    """The name of what listens at a port, where the system tells us."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return None
