"""Voice activity by Silero; its network comes with faster-whisper."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from server.speech.ports import Samples

FRAME_SAMPLES = 512
_CONTEXT = 64
_STATE = (1, 1, 128)


class SileroNetwork:
    """The network itself: one session, shared by all streams and threads (onnxruntime allows that; state is passed in).

    A second of audio costs about 2 ms on one core, a frame on its own about 0.15 ms.
    """

    def __init__(self) -> None:
        import faster_whisper
        import onnxruntime

        assets = Path(os.path.dirname(faster_whisper.__file__)) / "assets"
        found = sorted(assets.glob("silero_vad*.onnx"))
        if not found:
            raise RuntimeError("faster-whisper comes without its voice activity network")
        options = onnxruntime.SessionOptions()
        options.inter_op_num_threads = 1
        options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        self._session: Any = onnxruntime.InferenceSession(
            str(found[-1]), sess_options=options, providers=["CPUExecutionProvider"]
        )

    def run(
        self, frames: NDArray[np.float32], h: NDArray[np.float32], c: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """Judges frames in order.

        Args:
            frames: [n, 64 + 512] samples, each frame after the 64 before it.
            h, c: the state after the frame before, [1, 1, 128].

        Returns:
            The probabilities [n] and the state after the last.
        """
        output, h, c = self._session.run(None, {"input": frames, "h": h, "c": c})
        return np.asarray(output, np.float32).reshape(-1), h, c

    def judge(self, samples: Samples) -> list[float]:
        """The probabilities of a whole piece of audio in this thread; the last frame is filled up with silence."""
        stream = SileroState()
        padded = np.pad(samples, (0, -len(samples) % FRAME_SAMPLES))
        return stream.judge(self, padded)


class SileroState:
    """Where one stream of audio stands."""

    def __init__(self) -> None:
        self._h = np.zeros(_STATE, np.float32)
        self._c = np.zeros(_STATE, np.float32)
        self._before = np.zeros(_CONTEXT, np.float32)
        self._rest = np.zeros(0, np.float32)

    def judge(self, network: SileroNetwork, samples: Samples) -> list[float]:
        """The probabilities of the frames that these samples complete."""
        samples = np.concatenate([self._rest, samples])
        count = len(samples) // FRAME_SAMPLES
        self._rest = samples[count * FRAME_SAMPLES :]
        if not count:
            return []
        whole = np.concatenate([self._before, samples[: count * FRAME_SAMPLES]])
        self._before = whole[-_CONTEXT:]
        frames = np.lib.stride_tricks.sliding_window_view(whole, _CONTEXT + FRAME_SAMPLES)[::FRAME_SAMPLES]
        probabilities, self._h, self._c = network.run(np.ascontiguousarray(frames), self._h, self._c)
        return [float(p) for p in probabilities]

    @property
    def waiting(self) -> int:
        """Samples of the frame that is not complete yet."""
        return len(self._rest)


class SileroStream:
    """Voice activity of one stream; calls must not overlap."""

    def __init__(self, network: SileroNetwork, executor: ThreadPoolExecutor) -> None:
        self._network = network
        self._executor = executor
        self._state = SileroState()

    async def probabilities(self, samples: Samples) -> Sequence[float]:
        """The probability of voice in each frame of 512 samples (32 ms) that these samples complete, 0 to 1."""
        if self._state.waiting + len(samples) < FRAME_SAMPLES:
            return self._state.judge(self._network, samples)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self._state.judge, self._network, samples)


class SileroDetector:
    """Opens streams; they share the network and one thread."""

    def __init__(self, network: SileroNetwork) -> None:
        self._network = network
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="voice")

    def open(self) -> SileroStream:
        """A new stream with its own state."""
        return SileroStream(self._network, self._executor)

    def close(self) -> None:
        """Ends the thread."""
        self._executor.shutdown(wait=True, cancel_futures=True)
