"""The real weights, loaded once for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from server.adapters.whisper.model import WhisperModel
from server.adapters.whisper.recogniser import Recipe, Transcriber, WhisperRecogniser
from server.adapters.whisper.vad import SileroNetwork
from server.adapters.whisper.weights import find_weights


@pytest.fixture(scope="session")
def network() -> SileroNetwork:
    return SileroNetwork()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> WhisperModel:
    weights = find_weights("base", tmp_path_factory.mktemp("weights"))
    return WhisperModel(weights.folder, device="cpu", compute_type="default", threads=1, workers=2)


@pytest.fixture
def transcriber(model: WhisperModel, network: SileroNetwork) -> Transcriber:
    return Transcriber(model, network, Recipe())


@pytest.fixture
def recogniser(model: WhisperModel, network: SileroNetwork) -> Iterator[WhisperRecogniser]:
    recogniser = WhisperRecogniser(model, network, name="whisper-base", workers=2)
    yield recogniser
    recogniser.close()
