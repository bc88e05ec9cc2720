"""Two servers, and Envoy in front of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.front_door import Backend, FrontDoor, front_door


@pytest.fixture(scope="module")
def backends() -> Iterator[tuple[Backend, Backend]]:
    pair = Backend("one"), Backend("two")
    yield pair
    for backend in pair:
        backend.stop()


@pytest.fixture(scope="module")
def envoy(tmp_path_factory: pytest.TempPathFactory, backends: tuple[Backend, Backend]) -> Iterator[FrontDoor]:
    folder: Path = tmp_path_factory.mktemp("envoy")
    with front_door(folder, [backend.address for backend in backends]) as door:
        yield door
