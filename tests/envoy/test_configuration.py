"""What the rendered configuration says, where waiting for it to happen would take too long."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.descriptor_pb2 import MethodOptions

from kaiwa.accounts.v1 import accounts_service_pb2
from kaiwa.content.v1 import content_service_pb2
from kaiwa.jobs.v1 import jobs_service_pb2
from kaiwa.learning.v1 import learning_service_pb2
from kaiwa.speech.v1 import speech_service_pb2
from server.config import Settings, SettingsError
from server.supervisor.envoy import program, reachable, render

FILES = [accounts_service_pb2, content_service_pb2, learning_service_pb2, speech_service_pb2, jobs_service_pb2]
SERVICES: list[ServiceDescriptor] = [service for file in FILES for service in file.DESCRIPTOR.services_by_name.values()]


def configuration(**environment: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(render(Settings.from_environment(environment)))
    return loaded


def manager(config: dict[str, Any]) -> dict[str, Any]:
    filters = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"]
    typed: dict[str, Any] = filters[0]["typed_config"]
    return typed


def routes(config: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = manager(config)["route_config"]["virtual_hosts"][0]["routes"]
    return found


@cache
def default_routes() -> list[dict[str, Any]]:
    return routes(configuration())


def route_of(path: str) -> dict[str, Any]:
    """The route that Envoy takes for a path: the first that matches."""
    for route in default_routes():
        match = route["match"]
        if "headers" in match:
            continue
        if "safe_regex" in match and re.fullmatch(match["safe_regex"]["regex"], path):
            return route
        if path.startswith(match.get("prefix", "\0")) or path == match.get("path"):
            return route
    raise AssertionError(path)


def endpoints(cluster: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        endpoint["endpoint"]["address"]
        for locality in cluster["load_assignment"]["endpoints"]
        for endpoint in locality["lb_endpoints"]
    ]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"KAIWA_ENVOY_LISTEN": "[::]:8080", "KAIWA_LISTEN": "[::]:50051"},
        {"KAIWA_ENVOY_UPSTREAMS": "server-1:50051,server-2:50051", "KAIWA_ENVOY_SPEECH_UPSTREAMS": "gpu:50051"},
        {"KAIWA_LISTEN": "unix:/run/kaiwa.sock", "KAIWA_CORS_ORIGINS": "*", "KAIWA_ENVOY_TRUSTED_HOPS": "1"},
    ],
)
def test_envoy_takes_it(tmp_path: Path, environment: dict[str, str]) -> None:
    file = tmp_path / "envoy.yaml"
    file.write_text(render(Settings.from_environment(environment)))
    checked = subprocess.run(
        [str(program()), "--mode", "validate", "-c", str(file), "--disable-hot-restart"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "deprecated" not in checked.stderr.lower()


def test_loopback_by_default() -> None:
    config = configuration()
    assert config["admin"]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 9901}
    listener = config["static_resources"]["listeners"][0]["address"]["socket_address"]
    assert listener == {"address": "127.0.0.1", "port_value": 8080}
    for cluster in config["static_resources"]["clusters"]:
        assert endpoints(cluster) == [{"socket_address": {"address": "127.0.0.1", "port_value": 50051}}]


def test_names_are_looked_up_and_addresses_are_not() -> None:
    config = configuration(KAIWA_ENVOY_UPSTREAMS="server-1:1,server-2:2", KAIWA_ENVOY_SPEECH_UPSTREAMS="10.0.0.1:3")
    kaiwa, speech = config["static_resources"]["clusters"]
    assert (kaiwa["type"], speech["type"]) == ("STRICT_DNS", "STATIC")
    assert len(endpoints(kaiwa)) == 2
    assert len(endpoints(speech)) == 1


def test_a_server_that_listens_everywhere_is_reached_on_loopback() -> None:
    assert reachable("0.0.0.0:5") == "127.0.0.1:5"
    assert reachable("[::]:5") == "[::1]:5"
    assert reachable("192.0.2.1:5") == "192.0.2.1:5"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("KAIWA_CORS_ORIGINS", "app.example"),
        ("KAIWA_CORS_ORIGINS", "https://app.example/path"),
        ("KAIWA_CORS_ORIGINS", "https://*"),
        ("KAIWA_ENVOY_LISTEN", "8080"),
        ("KAIWA_ENVOY_LISTEN", "unix:/x"),
        ("KAIWA_ENVOY_UPSTREAMS", "server-1"),
        ("KAIWA_ENVOY_TRUSTED_HOPS", "-1"),
    ],
)
def test_settings_that_cannot_be_used_are_named(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.from_environment({variable: value})


def test_streams_may_be_quiet_for_half_an_hour_and_last_for_ever() -> None:
    config = configuration()
    http = manager(config)
    assert (http["stream_idle_timeout"], http["request_timeout"]) == ("1800s", "0s")
    assert http["common_http_protocol_options"]["max_stream_duration"] == "0s"
    for route in routes(config):
        if "route" in route:
            assert (route["route"]["timeout"], route["route"]["idle_timeout"]) == ("0s", "1800s")
            assert "max_stream_duration" not in route["route"]


def test_every_service_has_its_servers_and_every_server_its_health_check() -> None:
    for service in SERVICES:
        wanted = "speech" if service.full_name == "kaiwa.speech.v1.SpeechService" else "kaiwa"
        for method in service.methods:
            assert route_of(f"/{service.full_name}/{method.name}")["route"]["cluster"] == wanted
    for cluster in configuration()["static_resources"]["clusters"]:
        assert "grpc_health_check" in cluster["health_checks"][0]


def test_only_methods_that_read_are_repeated_after_unavailable() -> None:
    for service in SERVICES:
        for method in service.methods:
            policy = route_of(f"/{service.full_name}/{method.name}")["route"].get("retry_policy", {})
            if "unavailable" in policy.get("retry_on", ""):
                reads = method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
                assert reads and not method.client_streaming, method.full_name  # noqa: PT018 - one claim


def test_most_of_what_reads_is_repeated() -> None:
    repeated = [
        method.name
        for service in SERVICES
        for method in service.methods
        if "retry_policy" in route_of(f"/{service.full_name}/{method.name}")["route"]
    ]
    assert {"ListSentences", "GetMe", "GetReviewQueue", "GetAttempt", "ListVoices", "WatchJob"} <= set(repeated)


def test_speech_is_hashed_by_practice() -> None:
    for name in ("OpenPractice", "PushPracticeAudio", "FinishPractice", "Practice", "ListVoices"):
        policy = route_of(f"/kaiwa.speech.v1.SpeechService/{name}")["route"]["hash_policy"]
        assert policy == [{"header": {"header_name": "x-kaiwa-practice-id"}}]
