"""docker-compose.yml, as far as it can be checked without a Docker engine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from server import config
from server.__main__ import _parser

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = [name for name, service in SERVICES.items() if str(service["image"]).startswith("kaiwa:")]
VARIABLES = set(re.findall(r'"(KAIWA_[A-Z_]+)"', Path(config.__file__).read_text(encoding="utf-8")))


def test_it_follows_the_compose_specification() -> None:
    schema = json.loads((ROOT / "tests" / "support" / "compose-spec" / "compose-spec.json").read_text())
    Draft202012Validator.check_schema(schema)
    problems = [f"{error.json_path}: {error.message}" for error in Draft202012Validator(schema).iter_errors(COMPOSE)]
    assert problems == []


def test_the_schema_would_find_a_mistake() -> None:
    schema = json.loads((ROOT / "tests" / "support" / "compose-spec" / "compose-spec.json").read_text())
    broken = {"services": {"x": {"image": "x", "port": ["1:1"]}}}
    assert not Draft202012Validator(schema).is_valid(broken)


def test_everything_is_there() -> None:
    assert SERVICES.keys() == {"postgres", "redis", "migrate", "server-1", "server-2", "worker", "envoy"}
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["redis"]["image"] == "redis:7"


@pytest.mark.parametrize("name", OURS)
def test_our_containers_run_a_command_that_exists(name: str) -> None:
    assert callable(_parser().parse_args(SERVICES[name]["command"]).command)


@pytest.mark.parametrize("name", OURS)
def test_settings_are_known_and_usable(name: str) -> None:
    given = {
        variable: re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", str(value))
        for variable, value in SERVICES[name]["environment"].items()
        if variable.startswith("KAIWA_")
    }
    assert given.keys() <= VARIABLES
    config.Settings.from_environment(given)
    assert "KAIWA_DEMO" not in given


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.search(r"^USER kaiwa$", (ROOT / "server" / "Dockerfile").read_text(), re.MULTILINE)


def test_there_is_no_default_password() -> None:
    for variable in ("POSTGRES_PASSWORD", "PGPASSWORD"):
        values = re.findall(rf"^\s+{variable}: (.+)$", TEXT, re.MULTILINE)
        assert values
        assert all(re.fullmatch(r"\$\{KAIWA_POSTGRES_PASSWORD:\?.+\}", value) for value in values)
    assert not re.search(r"://[^/@\s]+:[^/@\s]+@", TEXT)


def test_only_envoy_is_reachable_and_only_from_this_machine() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["envoy"]
    assert SERVICES["envoy"]["ports"] == ["${KAIWA_PUBLISH:-127.0.0.1:8080}:8080"]
    for name, service in SERVICES.items():
        if name != "envoy":
            assert service["networks"] == ["inside"]


def test_envoy_has_both_servers_and_is_the_only_trusted_proxy() -> None:
    envoy = SERVICES["envoy"]
    servers = [name for name in SERVICES if name.startswith("server-")]
    assert envoy["environment"]["KAIWA_ENVOY_UPSTREAMS"] == ",".join(f"{name}:50051" for name in servers)
    for name in servers:
        assert SERVICES[name]["environment"]["KAIWA_LISTEN"].endswith(":50051")
        trusted = SERVICES[name]["environment"]["KAIWA_TRUSTED_PROXIES"]
        assert trusted == envoy["networks"]["inside"]["ipv4_address"]


def test_long_running_containers_are_watched_and_start_in_order() -> None:
    for name, service in SERVICES.items():
        assert name == "migrate" or "healthcheck" in service, name
        for other, terms in service.get("depends_on", {}).items():
            one_shot = other == "migrate"
            expected = "service_completed_successfully" if one_shot else "service_healthy"
            assert terms["condition"] == expected, (name, other)


def test_there_is_time_to_drain() -> None:
    settings = config.Settings.from_environment(
        {"KAIWA_BALANCER_PAUSE_SECONDS": SERVICES["server-1"]["environment"]["KAIWA_BALANCER_PAUSE_SECONDS"]}
    )
    needed = settings.shutdown.balancer_pause + settings.shutdown.grace
    assert needed.total_seconds() + 5 < int(SERVICES["server-1"]["stop_grace_period"].removesuffix("s"))


def test_the_image_has_what_it_copies() -> None:
    dockerfile = (ROOT / "server" / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE)
    ignored = (ROOT / "server" / "Dockerfile.dockerignore").read_text().splitlines()
    assert copied
    for path in copied:
        assert (ROOT / path).exists(), path
        assert f"!{path}" in ignored
