"""The real network."""

from __future__ import annotations

import pytest

from server.adapters.domino.network import DominoNetwork
from server.adapters.domino.weights import find_weights


@pytest.fixture(scope="session")
def network() -> DominoNetwork:
    weights = find_weights("domino")
    return DominoNetwork(weights.file, name=weights.name)
