"""Who may import what, read from the source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SERVER = Path(__file__).parents[2] / "server"
SERVICES = ("accounts", "content", "learning", "speech", "jobs")
GENERATED = ("kaiwa", "buf")
ROOT = ("server.app", "server.assembly", "server.worker")
INFRASTRUCTURE = (
    "grpc",
    "sqlalchemy",
    "psycopg",
    "procrastinate",
    "google",
    "structlog",
    "obstore",
    "limits",
    "redis",
    "av",
    "soxr",
)


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(SERVER.rglob("*.py")):
        name = ".".join(path.relative_to(SERVER.parent).with_suffix("").parts)
        yield name.removesuffix(".__init__"), path


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def under(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


MODULES = dict(modules())


def service_of(name: str) -> str | None:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in SERVICES else None


def layer_of(name: str) -> str:
    last = name.split(".")
    if len(last) > 2 and last[2] in {"domain", "ports", "servicer", "mapping", "storage"}:
        return last[2]
    return "use case"


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 60


@pytest.mark.parametrize("name", [n for n in MODULES if service_of(n)])
def test_a_service(name: str) -> None:
    service, layer, used = service_of(name), layer_of(name), imports(MODULES[name])
    others = [f"server.{other}" for other in SERVICES if other != service]
    assert not [i for i in used if under(i, *others)], "services never import each other"
    assert not [i for i in used if under(i, "server.adapters", "server.config", *ROOT)]
    if layer not in {"servicer", "mapping"}:
        assert not [i for i in used if under(i, *GENERATED, "server.rpc")], "only servicer and mapping see the wire"
        assert not [i for i in used if under(i, *INFRASTRUCTURE)]
    if layer == "domain":
        allowed = ("numpy", "server.errors", "server.kernel", f"server.{service}.domain")
        outside = [i for i in used if not under(i, *allowed) and i.split(".")[0] not in sys.stdlib_module_names]
        assert outside == []


@pytest.mark.parametrize("name", [n for n in MODULES if under(n, "server.errors", "server.kernel")])
def test_what_everyone_shares_is_pure(name: str) -> None:
    used = imports(MODULES[name])
    outside = [i for i in used if i.split(".")[0] not in sys.stdlib_module_names]
    assert [i for i in outside if not under(i, "server.kernel", "server.errors")] == []


@pytest.mark.parametrize("name", [n for n in MODULES if under(n, "server.adapters")])
def test_an_adapter_sees_no_edge_and_no_use_case(name: str) -> None:
    used = imports(MODULES[name])
    assert not [i for i in used if under(i, *GENERATED, "server.rpc", "server.config", *ROOT)]
    for used_name in used & set(MODULES):
        if service_of(used_name) is not None:
            assert layer_of(used_name) in {"domain", "ports", "storage"}, used_name


@pytest.mark.parametrize("name", [n for n in MODULES if under(n, "server.rpc")])
def test_the_edge_sees_no_service_and_no_adapter(name: str) -> None:
    services = [f"server.{service}" for service in SERVICES]
    assert not [i for i in imports(MODULES[name]) if under(i, *services, "server.adapters", "server.config", *ROOT)]


def test_one_composition_root() -> None:
    both = []
    for name, path in MODULES.items():
        used = imports(path)
        if any(under(i, "server.rpc") for i in used) and any(under(i, "server.adapters") for i in used):
            both.append(name)
    assert [name for name in both if not under(name, "server.assembly")] == ["server.app"]


def test_only_the_settings_read_the_environment() -> None:
    readers = []
    for name, path in MODULES.items():
        used = imports(path)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Attribute) and ast.unparse(node).startswith(("os.environ", "os.getenv")):
                used.add(ast.unparse(node))
        if any(under(i, "os.environ", "os.environb", "os.getenv", "os.getenvb") for i in used):
            readers.append(name)
    # The command line hands the environment to the settings; the supervisor hands it on to its children.
    assert readers == ["server.__main__"]
