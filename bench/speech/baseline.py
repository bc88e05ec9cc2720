"""The obvious way: faster-whisper's `transcribe` over the growing recording, for as many speakers at once.

In a process of its own (`python -m bench.speech.baseline SPEAKERS SECONDS`), so that its processor time is its own. It
has no transport, no accounts, no storage and no assessment: only what it must do to hear.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from bench.speech.clips import RATE, Spoken, spoken_sentences
from server.adapters.whisper.weights import find_weights

_INTERVAL = 1.0
_WORKERS = 2


class Baseline:
    """One model that all speakers share, with a thread a core."""

    def __init__(self) -> None:
        from faster_whisper import WhisperModel

        folder = find_weights("base", Path(".kaiwa") / "models").folder
        self._model: Any = WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=_WORKERS
        )
        self._threads = ThreadPoolExecutor(_WORKERS)

    def hear(self, samples: np.ndarray[Any, np.dtype[np.float32]]) -> Future[str]:
        """Transcribes as faster-whisper does by default."""
        return self._threads.submit(self._text, samples)

    def _text(self, samples: np.ndarray[Any, np.dtype[np.float32]]) -> str:
        segments, _ = self._model.transcribe(samples, language="ja")
        return "".join(segment.text for segment in segments)


def speak(baseline: Baseline, spoken: Spoken) -> float:
    """One sentence by the clock: its text every second of new audio, unless the last is not there yet, then the final.

    Returns:
        Milliseconds from the end of speech to the final text.
    """
    began = time.monotonic()
    partial: Future[str] | None = None
    heard = _INTERVAL
    while heard < spoken.seconds:
        time.sleep(max(0.0, began + heard - time.monotonic()))
        if partial is None or partial.done():
            partial = baseline.hear(spoken.samples[: int(heard * RATE)])
        heard += _INTERVAL
    time.sleep(max(0.0, began + spoken.seconds - time.monotonic()))
    ended = time.monotonic()
    if partial is not None:
        partial.cancel()
    baseline.hear(spoken.samples).result()
    return 1000 * (time.monotonic() - ended)


def main(speakers: int, seconds: float) -> None:
    """Prints one JSON line: the final latencies, seconds of speech and processor time."""
    sentences, baseline = spoken_sentences(), Baseline()
    baseline.hear(sentences[0].samples).result()
    finals: list[float] = []
    speech: list[float] = []
    began, used = time.monotonic(), time.process_time()

    def one(number: int) -> None:
        chance = random.Random(number)
        time.sleep(4.0 * number / speakers)
        turn = number * len(sentences) // speakers
        while time.monotonic() - began < seconds:
            spoken = sentences[turn % len(sentences)]
            finals.append(speak(baseline, spoken))
            speech.append(spoken.seconds)
            turn += 1
            time.sleep(chance.uniform(0.8, 2.0))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(speakers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record = {"final_ms": finals, "speech": sum(speech), "cpu": time.process_time() - used}
    sys.stdout.write(json.dumps(record) + "\n")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
