"""Measures the speech engine over the real gRPC port, and the obvious way to do it beside.

    python -m bench.speech [--quick] [--rounds N] [--plot FILE]

Speakers talk by the clock, 100 ms of audio every 100 ms: sentences of ../shared/data/speech, and of the starter deck as
Open JTalk reads them, each cut 50 ms after its last sound. It starts a server of its own. Exits with 1 when a figure is
not as it must be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import grpc
import numpy as np

from bench.report import figure, machine
from bench.speech.accuracy import accuracy
from bench.speech.clips import DATA, RATE, Spoken, kana_errors, spoken_sentences
from bench.speech.plot import draw
from bench.speech.server import Server, running_server
from bench.speech.speakers import Crowd, Mode, Said, practise, speak
from kaiwa.speech.v1 import speech_service_pb2_grpc as rpc
from server.adapters.whisper.model import Context, WhisperModel
from server.adapters.whisper.weights import find_weights

_SPEAKERS = (1, 2, 4, 6, 8, 10, 12, 16)
_BASELINE = (1, 2, 3, 4, 6)
_PRACTICES = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured.

    Attributes:
        seconds: of each crowd.
        alone: seconds of each measurement with one speaker.
        rounds: the best of so many.
    """

    speakers: Sequence[int] = _SPEAKERS
    baseline: Sequence[int] = _BASELINE
    seconds: float = 40.0
    alone: float = 90.0
    rounds: int = 3
    practices: int = _PRACTICES


def main() -> int:
    """Runs all measurements."""
    parser = argparse.ArgumentParser(prog="python -m bench.speech", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a look in a few minutes, not a measurement")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many")
    parser.add_argument("--plot", type=Path, help="where to draw the latency against the number of speakers (SVG)")
    arguments = parser.parse_args()
    if not (DATA / "speech" / "manifest.tsv").is_file():
        print("bench.speech needs the recordings in ../shared/data", file=sys.stderr)
        return 2
    plan = Plan(rounds=arguments.rounds)
    if arguments.quick:
        plan = Plan((1, 4), (1,), 15.0, 20.0, 1, 60)
    machine("kaiwa", "ctranslate2", "faster-whisper", "grpcio", "onnxruntime")
    _calibrate()
    sentences = spoken_sentences()
    holds = [*accuracy(sentences)]
    with running_server() as server:
        asyncio.run(_warm(server, sentences))
        holds += _alone(server, sentences, plan)
        ours = _crowds(server, sentences, plan)
        holds += _capacity(ours)
        baseline = _baselines(plan)
        holds += _ratio(ours, baseline)
        holds += _overload(server, sentences, plan, ours)
        holds += _growth(server, sentences, plan)
    if arguments.plot is not None:
        arguments.plot.write_text(draw({n: _p95(c) for n, c in ours.items()}, baseline), encoding="utf-8")
    return 0 if all(holds) else 1


def _calibrate() -> None:
    weights = find_weights("base", Path(".kaiwa") / "models")
    model = WhisperModel(weights.folder, device="cpu", compute_type="default", threads=1, workers=1)
    silence = np.zeros(RATE, np.float32)
    best = min(_seconds(lambda: model.encode(silence, Context(), frames=1000)) for _ in range(8))
    figure("calibration_encode_1000_frames", 1000 * best, "ms", 8, threads=1, load=round(os.getloadavg()[0], 1))


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


async def _warm(server: Server, sentences: Sequence[Spoken]) -> None:
    token = server.register(1)[0]
    async with grpc.aio.insecure_channel(server.address) as channel:
        stub: rpc.SpeechServiceAsyncStub = rpc.SpeechServiceStub(channel)
        for spoken in sentences[:4]:
            await practise(stub, token, spoken, Mode.READING, paced=False)


# --- One speaker ------------------------------------------------------------------------------------------------------


def _alone(server: Server, sentences: Sequence[Spoken], plan: Plan) -> list[bool]:
    reading = _best(server, sentences, Mode.READING, plan)
    endpointed = _best(server, sentences, Mode.ENDPOINTED, plan)
    free = _best(server, sentences, Mode.FREE, plan)
    finals, ends = _finals(reading.crowd), _finals(endpointed.crowd)
    firsts = [ms for one in reading.crowd.said if (ms := one.first_partial_ms) is not None]
    assessed = [ms for one in reading.crowd.said if (ms := one.assessment_ms) is not None]
    gaps = [gap for one in reading.crowd.said for gap in one.gaps]
    figure(
        "partial_interval_s_p50", _quantile(gaps, 0.5), "s", len(gaps), p95=_round(gaps, 0.95), p99=_round(gaps, 0.99)
    )
    figure("assessment_ms_p50", _quantile(assessed, 0.5), "ms", len(assessed), p95=_round(assessed, 0.95))
    return [
        figure("final_ms_p50", _quantile(finals, 0.5), "ms", len(finals), 300, aim=120),
        figure("final_ms_p95", _quantile(finals, 0.95), "ms", len(finals), 500, aim=250, p99=_round(finals, 0.99)),
        figure("endpointed_ms_p50", _quantile(ends, 0.5), "ms", len(ends), 850, aim=650, p95=_round(ends, 0.95)),
        figure("first_partial_ms_p50", _quantile(firsts, 0.5), "ms", len(firsts), 900, aim=600),
        figure("cpu_reading", reading.cpu, "CPU s a second of speech", len(reading.crowd.said), 0.30, aim=0.15),
        figure("cpu_free", free.cpu, "CPU s a second of speech", len(free.crowd.said), 0.55, aim=0.30),
        *_erasure([*reading.crowd.said, *free.crowd.said]),
        *_heard([*reading.crowd.said, *free.crowd.said, *endpointed.crowd.said]),
    ]


@dataclass(frozen=True, slots=True)
class _Measured:
    """A crowd and the processor time of the server, PostgreSQL included, a second of speech."""

    crowd: Crowd
    cpu: float


def _best(server: Server, sentences: Sequence[Spoken], mode: Mode, plan: Plan) -> _Measured:
    token = server.register(1)
    measured = [_measure(server, sentences, mode, token, plan.alone / plan.rounds) for _ in range(plan.rounds)]
    crowd = Crowd(
        [one for m in measured for one in m.crowd.said],
        sum(m.crowd.speech for m in measured),
        sum(m.crowd.wall for m in measured),
    )
    return _Measured(crowd, min(m.cpu for m in measured))


def _measure(
    server: Server, sentences: Sequence[Spoken], mode: Mode, tokens: Sequence[str], seconds: float
) -> _Measured:
    used = server.cpu_seconds()
    crowd = asyncio.run(speak(server.address, tokens, sentences, mode, seconds))
    used = server.cpu_seconds() - used
    return _Measured(crowd, used / crowd.speech if crowd.speech else float("nan"))


def _erasure(said: Sequence[Said]) -> list[bool]:
    displayed = stable = length = 0
    for one in said:
        if not one.transcript:
            continue
        length += len(one.transcript)
        displayed += _taken_back([*(s + u for _, s, u in one.texts), one.transcript])
        stable += _taken_back([*(s for _, s, _ in one.texts), one.transcript])
    n = len(said)
    return [
        figure("erasure_displayed", displayed / length, "characters a character of the final", n, 0.25, aim=0.10),
        figure("erasure_stable", stable / length, "characters a character of the final", n, 0, aim=0),
    ]


def _taken_back(texts: Sequence[str]) -> int:
    return sum(len(one) - _in_common(one, other) for one, other in pairwise(texts))


def _in_common(one: str, other: str) -> int:
    """How many characters both begin with."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _heard(said: Sequence[Said]) -> list[bool]:
    """What came out at all, and how well, over the port."""
    done = [one for one in said if one.transcript_at is not None]
    wrong = sum(kana_errors(one.transcript, one.spoken.kana) for one in done)
    figure("kana_error_live", 100 * wrong / sum(len(one.spoken.kana) for one in done), "%", len(done))
    silent = sum(not one.transcript for one in done)
    broken = len(said) - len(done)
    runaway = sum(len(one.transcript) > 3 * len(one.spoken.text) + 10 for one in done)
    return [
        figure("speech_clips_without_text_live", silent, "practices", len(done), 0),
        figure("practices_without_transcript", broken, "practices", len(said), 0),
        figure("runaway_clips_live", runaway, "practices", len(done), 0),
    ]


# --- Many speakers ----------------------------------------------------------------------------------------------------


def _crowds(server: Server, sentences: Sequence[Spoken], plan: Plan) -> Mapping[int, Crowd]:
    crowds: dict[int, Crowd] = {}
    for speakers in plan.speakers:
        tokens = server.register(speakers)
        rounds = [_measure(server, sentences, Mode.READING, tokens, plan.seconds) for _ in range(min(2, plan.rounds))]
        best = min(rounds, key=lambda m: (len(m.crowd.refused), _p95(m.crowd)))
        crowds[speakers] = best.crowd
        finals = _finals(best.crowd)
        gaps = [gap for one in best.crowd.admitted for gap in one.gaps]
        figure(
            f"final_ms_p95_{speakers}_speakers",
            _quantile(finals, 0.95),
            "ms",
            len(finals),
            p50=_round(finals, 0.5),
            p99=_round(finals, 0.99),
            interval_s_p50=_round(gaps, 0.5),
            interval_s_p95=_round(gaps, 0.95),
            interval_s_p99=_round(gaps, 0.99),
            refused=len(best.crowd.refused),
            failed=sum(one.transcript_at is None for one in best.crowd.admitted),
            cpu=round(best.cpu, 3),
            memory_mb=round(server.memory_mb()),
        )
    return crowds


def _fits(crowd: Crowd, final_ms: float, interval: float | None) -> bool:
    if crowd.refused or any(one.transcript_at is None for one in crowd.said):
        return False
    gaps = [gap for one in crowd.said for gap in one.gaps]
    return _p95(crowd) <= final_ms and (interval is None or _quantile(gaps, 0.95) <= interval)


def _capacity(crowds: Mapping[int, Crowd]) -> list[bool]:
    most = max((n for n, crowd in crowds.items() if _fits(crowd, 800, 1.5)), default=0)
    return [figure("speakers_at_slo", most, "speakers", len(crowds[max(1, most)].said), 6, at_least=True, aim=12)]


def _baselines(plan: Plan) -> Mapping[int, float]:
    found: dict[int, float] = {}
    for speakers in plan.baseline:
        command = [sys.executable, "-m", "bench.speech.baseline", str(speakers), str(plan.seconds)]
        best: dict[str, list[float]] | None = None
        for _ in range(min(2, plan.rounds)):
            run = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            if best is None or _quantile(run["final_ms"], 0.95) < _quantile(best["final_ms"], 0.95):
                best = run
        assert best is not None
        finals = best["final_ms"]
        found[speakers] = _quantile(finals, 0.95)
        figure(
            f"baseline_final_ms_p95_{speakers}_speakers", found[speakers], "ms", len(finals), p50=_round(finals, 0.5)
        )
        if found[speakers] > 4000:
            break
    return found


def _ratio(crowds: Mapping[int, Crowd], baseline: Mapping[int, float]) -> list[bool]:
    ours = max((n for n, crowd in crowds.items() if _fits(crowd, 2000, None)), default=0)
    theirs = max((n for n, p95 in baseline.items() if p95 <= 2000), default=0)
    figure("speakers_at_2s", ours, "speakers", 1)
    figure("baseline_speakers_at_2s", theirs, "speakers", 1)
    return [figure("speakers_ratio", ours / max(1, theirs), "times", 1, 4, at_least=True, aim=10)]


def _overload(server: Server, sentences: Sequence[Spoken], plan: Plan, crowds: Mapping[int, Crowd]) -> list[bool]:
    """Twice the speakers that fit: who is admitted is served as promised, the others hear so at once."""
    fits = max((n for n, crowd in crowds.items() if _fits(crowd, 800, 1.5)), default=1)
    crowd = _measure(server, sentences, Mode.READING, server.register(2 * fits), plan.seconds).crowd
    finals = _finals(crowd)
    told = [1000 * one.told_after for one in crowd.refused]
    broken = sum(one.transcript_at is None for one in crowd.admitted)
    figure("overload_refused", len(told), "practices", len(crowd.said))
    after = _measure(server, sentences, Mode.READING, server.register(1), 15.0).crowd
    return [
        figure("overload_final_ms_p95", _quantile(finals, 0.95), "ms", len(finals), 800),
        figure("overload_refusal_ms_p95", _quantile(told, 0.95) if told else 0.0, "ms", len(told), 100),
        figure("overload_streams_broken", broken, "practices", len(crowd.admitted), 0),
        figure("overload_recovered_final_ms_p95", _quantile(_finals(after), 0.95), "ms", len(after.said), 500),
    ]


def _growth(server: Server, sentences: Sequence[Spoken], plan: Plan) -> list[bool]:
    """Practices one after the other, each all at once."""

    async def many(count: int) -> None:
        token = server.register(1)[0]
        async with grpc.aio.insecure_channel(server.address) as channel:
            stub: rpc.SpeechServiceAsyncStub = rpc.SpeechServiceStub(channel)
            for number in range(count):
                spoken = sentences[number % len(sentences)]
                await practise(stub, token, spoken, Mode.READING, paced=False)

    asyncio.run(many(max(24, plan.practices // 10)))
    before = server.memory_mb()
    asyncio.run(many(plan.practices))
    grown = server.memory_mb() - before
    return [figure("memory_growth_mb", grown, "MB", plan.practices, 20, aim=5, memory_mb=round(server.memory_mb()))]


def _finals(crowd: Crowd) -> list[float]:
    return [ms for one in crowd.admitted if (ms := one.final_ms) is not None]


def _p95(crowd: Crowd) -> float:
    return _quantile(_finals(crowd), 0.95)


def _quantile(values: Sequence[float], q: float) -> float:
    return float(np.quantile(values, q)) if values else float("inf")


def _round(values: Sequence[float], q: float) -> float:
    return round(_quantile(values, q), 2)


if __name__ == "__main__":
    sys.exit(main())
