"""What the speakers say: people's sentences, and sentences of the starter deck read by Open JTalk."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from server.adapters.openjtalk.analyser import analyse
from server.adapters.openjtalk.synthesis import synthesize
from server.content.starter_deck import parse_deck, read_starter_deck
from server.speech.domain.morae import split_morae

DATA = Path(__file__).parents[3] / "shared" / "data"
RATE = 16_000
TAIL = 0.05
"""Seconds kept after the last sound."""
_SYNTHESISED = 12
_LOUD = 10 ** (-35 / 20)
_WINDOW = RATE // 100


@dataclass(frozen=True, slots=True)
class Spoken:
    """One sentence as somebody says it.

    Attributes:
        text: what is said.
        kana: its morae.
        samples: mono at 16 kHz, cut `TAIL` after the last sound.
        onset: seconds until the first sound.
        human: whether a person says it.
    """

    id: str
    text: str
    kana: tuple[str, ...]
    samples: NDArray[np.float32]
    onset: float
    human: bool

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.samples) / RATE

    @property
    def linear16(self) -> bytes:
        """As a client sends it."""
        return np.clip(np.rint(self.samples * 32767), -32768, 32767).astype("<i2").tobytes()


def spoken_sentences() -> Sequence[Spoken]:
    """All of them, people's and synthesised ones in turn, so that any part is a fair sample.

    Raises:
        FileNotFoundError: the recordings of ../shared/data are not there.
    """
    human, made = _human(), _synthesised()
    longest = max(len(human), len(made))
    return [group[i] for i in range(longest) for group in (human, made) if i < len(group)]


def kana(text: str) -> tuple[str, ...]:
    """How a text is pronounced, in morae."""
    return tuple(mora for word in analyse(text) for mora in split_morae(word.pronunciation))


def kana_errors(heard: str, said: Sequence[str]) -> int:
    """Edits between what was heard and what was said, at most all of it."""
    return min(len(said), _distance(kana(heard), said))


def _human() -> list[Spoken]:
    with (DATA / "speech" / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    sentences = [row for row in rows if row["kind"] == "sentence" and row["text"]]
    return [
        _spoken(row["id"], row["text"], soundfile.read(DATA / "speech" / row["file"], dtype="float32")[0], human=True)
        for row in sentences
    ]


def _synthesised() -> list[Spoken]:
    deck = parse_deck(read_starter_deck())
    texts = sorted(((key, row.draft.japanese) for key, row in deck.items()), key=lambda item: (-len(item[1]), item[0]))
    return [_spoken(key, text, synthesize(text), human=False) for key, text in texts[:_SYNTHESISED]]


def _spoken(id: str, text: str, samples: NDArray[np.float32], *, human: bool) -> Spoken:
    count = len(samples) // _WINDOW
    level = np.sqrt(np.mean(samples[: count * _WINDOW].reshape(count, _WINDOW) ** 2, axis=1))
    loud = np.flatnonzero(level > _LOUD * level.max())
    end = min(len(samples), (int(loud[-1]) + 1) * _WINDOW + int(TAIL * RATE))
    return Spoken(id, text, kana(text), np.asarray(samples[:end], np.float32), int(loud[0]) / 100, human)


def _distance(one: Sequence[str], other: Sequence[str]) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]
