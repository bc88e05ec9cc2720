"""Domino on ONNX Runtime: from samples to log probabilities of phone transitions. No decisions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import soxr

from server.speech.domain.transitions import FRAME, Transitions, fold, join
from server.speech.domain.windows import cut_windows
from server.speech.ports import SAMPLE_RATE, Samples

_HOP = round(FRAME * SAMPLE_RATE)
_LEAST_SAMPLES = 400
"""The network refuses 200 samples and less."""
_PEAK = 0.6
"""What the network was made for; it is indifferent to loudness from a twentieth of that up."""
_QUIETEST_PEAK = 1e-4
"""Quieter sound is not raised: it is the noise of a converter."""
_LONGEST = 800
_OVERLAP = 200


class DominoNetwork:
    """The network; one object serves every thread.

    Args:
        file: the ONNX file.
        name: what the version is called.
        threads: threads of one pass; with 1 the result is the same every time.
    """

    def __init__(self, file: Path, *, name: str, threads: int = 1) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Threads that spin while they wait would take the cores from recognition.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._name = name

    @property
    def version(self) -> str:
        """Name and a short hash of the weights."""
        return self._name

    def transitions(self, samples: Samples, speed: float = 1.0) -> Transitions:
        """Log probabilities of phone transitions; about 10 ms a second on one core.

        Args:
            speed: at which the samples are played, pitch and all; frames are of what the network hears.
            samples: of any length and loudness. More than 8 s goes through in overlapping windows, as the cost of one
                grows with the square of its length.

        Returns:
            A frame for each 160 samples and one more; frame t is about 10 t ms.
        """
        if speed != 1.0:
            samples = np.asarray(soxr.resample(samples, round(SAMPLE_RATE * speed), SAMPLE_RATE), np.float32)
        peak = float(np.max(np.abs(samples), initial=0.0))
        gain = _PEAK / peak if peak > _QUIETEST_PEAK else 1.0
        frames = len(samples) // _HOP + 1
        parts: list[Transitions] = []
        for window in cut_windows(frames, _LONGEST, _OVERLAP):
            # A window of n frames is n - 1 hops of sound; the last has what is left as well.
            end = len(samples) if window.end == frames else (window.end - 1) * _HOP
            found = self._pass(samples[window.start * _HOP : end] * np.float32(gain))
            parts.append(found.part(window.keep_start - window.start, window.keep_end - window.start))
        return join(parts)

    def _pass(self, samples: Samples) -> Transitions:
        padded = np.pad(samples, (0, max(0, _LEAST_SAMPLES - len(samples))))
        outputs, stays = self._session.run(None, {"input_waveform": padded[None].astype(np.float32)})
        return fold(outputs[0], stays[0])
