"""Derives the figures for accents and rhythm, and writes them to server/speech/assessment.toml.

    python -m bench.assessment.calibrate [--sentences N]

Only sentences for tuning are used: those of the starter deck that `bench.assessment.clips` sets apart, sentences of
Tatoeba, and the shared recordings.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from bench.assessment.accents import (
    TRAINED_SENTENCES,
    fit_phrases,
    fit_words,
    named,
    spoken_by_humans,
    spoken_by_open_jtalk,
    training_clips,
)
from bench.assessment.clips import SENTENCES, Clip, Group, Split, clips
from bench.assessment.fitting import logistic
from bench.assessment.judging import Judge
from bench.report import figure
from server.speech.domain.prosody.reading import rhythm_of
from server.speech.domain.prosody.rhythm import disfluency
from server.speech.parameters import FILE
from server.speech.ports import Samples

RIDGE = 0.03
NATIVE = 0.97
"""The probability of being fluent that a reading without any hesitation is to have."""


def main() -> None:
    """Derives and writes everything."""
    parser = argparse.ArgumentParser(prog="python -m bench.assessment.calibrate", description=__doc__)
    parser.add_argument("--sentences", type=int, default=TRAINED_SENTENCES, help="of Tatoeba, for accents")
    arguments = parser.parse_args()
    judge = Judge()
    text = FILE.read_text("utf-8")
    text = with_numbers(text, "rhythm", _rhythm(judge))
    accent = judge.parameters.accent
    words = spoken_by_humans(judge.model, accent, "word", "tofugu-m")
    figure("trained_words", len(words), "words", len(words))
    text = with_numbers(text, "accent.word", named(fit_words(words)))
    human = spoken_by_humans(judge.model, accent, "sentence")
    synthetic = spoken_by_open_jtalk(judge.model, accent, training_clips(arguments.sentences))
    figure("trained_phrases", len(synthetic), "phrases", len(synthetic), human=len(human))
    text = with_numbers(text, "accent.phrase", named(fit_phrases([one for _, _, one in synthetic], human)))
    Path(FILE).write_text(text, "utf-8")


def with_numbers(text: str, table: str, values: Mapping[str, float | Sequence[float]]) -> str:
    """The text of a TOML file with other numbers in one of its tables; comments stay.

    Raises:
        ValueError: the table or a key is not there.
    """
    found = re.search(rf"^\[{re.escape(table)}\]\n(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"There is no table [{table}].")
    body = found.group(1)
    for name, value in values.items():
        number = f"[{', '.join(f'{one:g}' for one in value)}]" if isinstance(value, Sequence) else f"{value:.4f}"
        body, count = re.subn(rf"^{name} = .*$", f"{name} = {number}", body, flags=re.MULTILINE)
        if count != 1:
            raise ValueError(f"There is no figure {name} in [{table}].")
    return text[: found.start(1)] + body + text[found.end(1) :]


def _rhythm(judge: Judge) -> dict[str, float | Sequence[float]]:
    """Weights that tell halting readings from fluent ones; none of them can make a hesitation a merit."""
    made = clips(Split.TUNE, SENTENCES)
    rows: list[tuple[float, ...]] = []
    fluent: list[bool] = []
    for clip in made:
        if clip.group in (Group.RIGHT, Group.HALTING):
            found = _disfluency(judge, clip, clip.take().samples)
            if found is not None:
                rows.append(found)
                fluent.append(clip.group is Group.RIGHT)
    table = np.array(rows)
    used = np.ones(table.shape[1], bool)
    weights = np.zeros(table.shape[1])
    while used.any():
        own, _ = logistic(-table[:, used], np.array(fluent), RIDGE)
        weights[used] = own
        if (own >= 0).all():
            break
        weights[used & (weights < 0)] = 0
        used &= weights > 0
    figure("trained_readings", len(rows), "readings", len(rows), fluent=sum(fluent))
    return {
        "weights": [round(float(one), 2) for one in weights],
        "bias": round(float(np.log(NATIVE / (1 - NATIVE))), 2),
    }


def _disfluency(judge: Judge, clip: Clip, samples: Samples) -> tuple[float, ...] | None:
    evidence = judge.measured(samples, clip.sentence.reference())
    found = None if evidence is None else rhythm_of(evidence, judge.parameters.rhythm)
    return None if found is None else disfluency(found[0], judge.parameters.rhythm)


if __name__ == "__main__":
    main()
