"""Measures recognition: accuracy against the full window, what non-speech becomes, and how long decoding takes.

    python -m bench.transcription [--model MODEL] [--home FOLDER]

Needs the recordings in ../shared/data. Exits with 1 when a figure is not as it must be.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bench.report import figure, machine
from server.adapters.openjtalk.analyser import analyse
from server.adapters.whisper.model import LONGEST_FRAMES, Context, WhisperModel
from server.adapters.whisper.recogniser import Recipe, Transcriber
from server.adapters.whisper.vad import SileroNetwork
from server.adapters.whisper.weights import Weights, find_weights
from server.speech.domain.morae import split_morae
from server.speech.ports import SAMPLE_RATE, Samples

DATA = Path(__file__).parents[2] / "shared" / "data"
POINTS_OVER_FULL = 1.0
PARTIAL_SECONDS = (0.4, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording.

    Attributes:
        kind: word, sentence, english, music or noise.
        kana: what is said; empty when unknown.
    """

    id: str
    kind: str
    kana: tuple[str, ...]
    samples: Samples


def main() -> int:
    """Runs all measurements."""
    parser = argparse.ArgumentParser(prog="python -m bench.transcription", description=__doc__)
    parser.add_argument("--model", default="base", help="as KAIWA_WHISPER_MODEL")
    parser.add_argument("--home", type=Path, default=Path(".kaiwa"), help="as KAIWA_HOME")
    arguments = parser.parse_args()
    if not (DATA / "speech" / "manifest.tsv").is_file():
        print("bench.transcription needs the recordings in ../shared/data", file=sys.stderr)
        return 2
    machine("ctranslate2", "faster-whisper", "onnxruntime", "pyopenjtalk-plus", "numpy")
    weights = find_weights(arguments.model, arguments.home / "models")
    clips = [*_clips("speech"), *_clips("other_audio")]
    network = SileroNetwork()
    one = _load(weights, threads=1)
    two = _load(weights, threads=2)
    _calibrate(one)
    holds = [
        *_accuracy(weights, two, Transcriber(two, network, Recipe()), clips),
        *_verdicts(Transcriber(two, network, Recipe()), clips),
    ]
    for threads, model in ((1, one), (2, two)):
        _latency(Transcriber(model, network, Recipe()), threads, clips)
    return 0 if all(holds) else 1


def _load(weights: Weights, threads: int) -> WhisperModel:
    return WhisperModel(weights.folder, device="cpu", compute_type="default", threads=threads, workers=1)


def _calibrate(model: WhisperModel) -> None:
    silence = np.zeros(SAMPLE_RATE, np.float32)
    times = [_timed(lambda: model.encode(silence, Context(), frames=1000))[0] for _ in range(8)]
    figure("calibration_encode_1000_frames", 1000 * min(times), "ms", len(times), threads=1)


def _accuracy(weights: Weights, model: WhisperModel, transcriber: Transcriber, clips: Sequence[Clip]) -> list[bool]:
    from faster_whisper import WhisperModel as FasterWhisper

    def final(samples: Samples) -> str:
        return transcriber.final(samples, "ja", _calm, known=True).text

    def full(samples: Samples) -> str:
        encoded = model.encode(samples, Context(lead=0.0), frames=LONGEST_FRAMES)
        return model.decode(encoded, "ja", beam=5, most_tokens=224).text

    peer: Any = FasterWhisper(str(weights.folder), device="cpu", compute_type="int8", cpu_threads=2)

    def faster_whisper(samples: Samples) -> str:
        segments, _ = peer.transcribe(samples, language="ja", beam_size=5)
        return "".join(segment.text for segment in segments)

    holds = []
    for kind in ("sentence", "word"):
        known = [clip for clip in clips if clip.kind == kind and clip.kana]
        kana = sum(len(clip.kana) for clip in known)
        ours = _kana_error(final, known)
        reference = _kana_error(full, known)
        figure(f"kana_error_full_beam5_{kind}s", 100 * reference, "%", kana)
        figure(f"kana_error_faster_whisper_beam5_{kind}s", 100 * _kana_error(faster_whisper, known), "%", kana)
        figure(f"kana_error_final_{kind}s", 100 * ours, "%", kana)
        # Promised for sentences; isolated words are shown since learners say them too.
        must = POINTS_OVER_FULL if kind == "sentence" else None
        holds.append(figure(f"kana_error_points_over_full_{kind}s", 100 * (ours - reference), "points", kana, must))
    return holds


def _verdicts(transcriber: Transcriber, clips: Sequence[Clip]) -> list[bool]:
    table: dict[str, Counter[str]] = {}
    for clip in clips:
        heard = transcriber.final(clip.samples, "ja", _calm, known=clip.kind in ("word", "sentence"))
        table.setdefault(clip.kind, Counter())[heard.language if heard.text else "nothing"] += 1
    for kind, counts in table.items():
        figure(f"heard_{kind}", sum(counts.values()), "clips", sum(counts.values()), heard_as=dict(counts))
    sounds = [n for kind in ("music", "noise") for what, n in table[kind].items() if what != "nothing"]
    return [
        figure("nonspeech_text_clips", sum(sounds), "clips", _count(table, "music", "noise"), 0),
        figure("english_clips_as_japanese", table["english"]["ja"], "clips", _count(table, "english"), 0),
        figure(
            "speech_clips_without_text",
            table["word"]["nothing"] + table["sentence"]["nothing"],
            "clips",
            _count(table, "word", "sentence"),
            0,
        ),
        figure(
            "japanese_clips_as_another_language",
            sum(n for kind in ("word", "sentence") for what, n in table[kind].items() if what not in ("ja", "nothing")),
            "clips",
            _count(table, "word", "sentence"),
            0,
        ),
    ]


def _latency(transcriber: Transcriber, threads: int, clips: Sequence[Clip]) -> None:
    sentences = [(clip, _onset(clip)) for clip in clips if clip.kind == "sentence"]
    for seconds in PARTIAL_SECONDS:
        length = int(seconds * SAMPLE_RATE)
        pieces = [clip.samples[onset : onset + length] for clip, onset in sentences]
        work = [partial(transcriber.partial, piece) for piece in pieces if len(piece) == length]
        _print_times(f"partial_{seconds:g}s", work, threads)
    for name, kind, shortest, longest in (
        ("final_word", "word", 0.0, 1.2),
        ("final_sentence_2_to_6_s", "sentence", 2.0, 6.2),
        ("final_sentence_6_to_10_s", "sentence", 6.2, 10.0),
    ):
        chosen = [clip for clip in clips if clip.kind == kind and shortest <= _seconds(clip) < longest][:24]
        _print_times(name, [partial(transcriber.final, clip.samples, "ja", _calm) for clip in chosen], threads)


def _print_times(name: str, work: Sequence[Callable[[], object]], threads: int) -> None:
    """Prints the median and the 95th percentile of the best of three runs of each, and the processor time."""
    best = [min(_timed(one) for _ in range(3)) for one in work]
    wall = [1000 * time for time, _ in best]
    cpu = float(np.median([1000 * time for _, time in best]))
    figure(f"{name}_ms_p50", float(np.median(wall)), "ms", len(wall), threads=threads, cpu_ms_p50=round(cpu, 1))
    figure(f"{name}_ms_p95", float(np.quantile(wall, 0.95)), "ms", len(wall), threads=threads)


def _onset(clip: Clip) -> int:
    """Where the recording is first loud."""
    loud = np.abs(clip.samples) > 0.1 * np.max(np.abs(clip.samples))
    return int(np.argmax(loud))


def _calm() -> bool:
    return False


def _seconds(clip: Clip) -> float:
    return len(clip.samples) / SAMPLE_RATE


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds that passed and seconds of processor time."""
    began, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - used


def _count(table: dict[str, Counter[str]], *kinds: str) -> int:
    return sum(sum(table[kind].values()) for kind in kinds)


def _clips(folder: str) -> list[Clip]:
    with (DATA / folder / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    clips = []
    for row in rows:
        samples, rate = soundfile.read(DATA / folder / row["file"], dtype="float32")
        if rate != SAMPLE_RATE:
            raise ValueError(f"{row['file']} has {rate} Hz")
        kind = "english" if row["kind"] == "speech" else row["kind"]
        # A word's reading is given (its text may have several); a sentence is read in context.
        kana = split_morae(row["reading"]) if kind == "word" else _kana(row["text"] if kind == "sentence" else "")
        clips.append(Clip(row["id"], kind, kana, np.asarray(samples, np.float32)))
    return clips


def _kana(text: str) -> tuple[str, ...]:
    return tuple(mora for word in analyse(text) for mora in split_morae(word.pronunciation))


def _kana_error(transcribe: Callable[[Samples], str], clips: Sequence[Clip]) -> float:
    """Edits of kana over kana that were said; a clip counts as entirely wrong at most."""
    wrong = sum(min(len(clip.kana), _distance(_kana(transcribe(clip.samples)), clip.kana)) for clip in clips)
    return wrong / sum(len(clip.kana) for clip in clips)


def _distance(one: Sequence[str], other: Sequence[str]) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


if __name__ == "__main__":
    sys.exit(main())
