"""The shared recordings of human speech."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import soundfile

from server.adapters.openjtalk.analyser import analyse
from server.speech.domain.morae import to_katakana
from server.speech.domain.reference import ReadWord, Reference, TextSpan, build_reference
from server.speech.ports import SAMPLE_RATE, Samples

DATA = Path(__file__).parents[3] / "shared" / "data"
_LEAD = np.zeros(SAMPLE_RATE // 10, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Recording:
    """A recording of a word or sentence.

    Attributes:
        id, kind, speaker, text, reading: as in the manifest; empty where not given.
        nucleus: of an isolated word as the manifest has it, 0 is flat; None for sentences.
        samples: mono at 16 kHz, with 0.1 s of silence before and after.
    """

    id: str
    kind: str
    speaker: str
    text: str
    reading: str
    nucleus: int | None
    samples: Samples

    def reference(self) -> Reference:
        """What is to be said: a word as the manifest reads and accents it, a sentence as the analyser does."""
        if self.kind == "word":
            span = TextSpan(0, len(self.text))
            return build_reference(self.text, [ReadWord(self.text, span, to_katakana(self.reading), self.nucleus)])
        return reference_of(self.text)


def reference_of(text: str) -> Reference:
    """A text as the analyser reads it."""
    return build_reference(text, [ReadWord(word.text, word.span, word.pronunciation) for word in analyse(text)])


@cache
def recordings(kind: str) -> tuple[Recording, ...]:
    """All recordings of a kind, `word` or `sentence`, whose text is known."""
    found = []
    with (DATA / "speech" / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            if row["kind"] != kind or not row["text"]:
                continue
            samples, rate = soundfile.read(DATA / "speech" / row["file"], dtype="float32")
            if rate != SAMPLE_RATE:
                raise ValueError(f"{row['file']} has {rate} Hz")
            accent = row["accent"].split(",")[0]
            nucleus = int(accent) if kind == "word" and accent.isdigit() else None
            found.append(
                Recording(
                    row["id"],
                    kind,
                    row["speaker"],
                    row["text"],
                    row["reading"],
                    nucleus,
                    np.concatenate([_LEAD, np.asarray(samples, np.float32), _LEAD]),
                )
            )
    return tuple(found)
