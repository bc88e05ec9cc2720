"""A recording to practise with on the first day: a sentence of the starter deck, read by Open JTalk.

`python -m server.supervisor.demo_recording FILE` makes it, in a process of its own, as Open JTalk is large.
"""

from __future__ import annotations

import sys
import wave
from pathlib import Path

from server.content.starter_deck import parse_deck, read_starter_deck

# Long enough for partial transcripts to be seen, and easily heard.
KEY = "health-012"


def sentence() -> str:
    """The text that is read."""
    return parse_deck(read_starter_deck())[KEY].draft.japanese


def make(file: Path) -> None:
    """Writes the recording: WAV, 16 kHz, one channel, 16 bits. The file is there whole or not at all."""
    import numpy as np

    from server.adapters.openjtalk.synthesis import synthesize
    from server.speech.ports import SAMPLE_RATE

    samples = synthesize(sentence())
    unfinished = file.with_suffix(".part")
    with wave.open(str(unfinished), "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(SAMPLE_RATE)
        output.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    unfinished.replace(file)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
