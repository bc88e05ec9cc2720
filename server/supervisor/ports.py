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
    problems: list[str] = []
    changes: list[str] = []
    for setting, address in addresses.items():
        problem, change = _problem(setting, address)
        if problem:
            problems.append(problem)
        if change:
            changes.append(change)
    if changes:
        problems.append(f"Stop what is in the way, or choose other ports: {' '.join(changes)} make run")
    if problems:
        raise PortTaken("\n".join(problems))


def _problem(setting: str, address: str) -> tuple[str, str]:
    """What is wrong with an address, and the setting that would mend it; either may be empty."""
    if address.startswith("unix:"):
        return "", ""
    host, _, text = address.rpartition(":")
    host, port = host.strip("[]"), int(text)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        return f"{setting}: there is no address {host} ({error.strerror}).", ""
    family, kind, protocol, _, where = found[0]
    with socket.socket(family, kind, protocol) as probe:
        # As servers do: else connections that closed a moment ago would count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(where)
            probe.listen(1)
        except OSError as error:
            return _explain(setting, host, port, error)
    return "", ""


def _explain(setting: str, host: str, port: int, error: OSError) -> tuple[str, str]:
    named = f"[{host}]" if ":" in host else host
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65535 else port - 1
        taken = f"Port {port} is taken by {_listener(port) or 'another program'}; {setting} chooses another."
        return taken, f"{setting}={named}:{other}"
    if error.errno == errno.EACCES:
        refused = f"Port {port} needs more rights than this user has; {setting} chooses another."
        return refused, f"{setting}={named}:{port + 8000}"
    return f"Can't listen at {named}:{port} ({error.strerror}). Choose another address by {setting}.", ""


def _listener(port: int) -> str | None:
    """The name of what listens at a port, where the system tells us."""
    with suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return None
