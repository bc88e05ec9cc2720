"""Practises every shared recording at the speed of speech with the command `kaiwa`, and counts what did not come.

    python -m bench.practice_bar [--address HOST:PORT]

Needs the recordings in ../shared/data and a running server (`make run`). Exits with 1 when a figure is not as it must
be; each recording for which something did not come is printed.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.report import figure, machine

DATA = Path(__file__).parents[2] / "shared" / "data" / "speech"
SHORT = 2.0
"""Seconds under which one partial before the end of the audio is enough; from there on it is two."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording and what is read in it."""

    id: str
    file: Path
    kind: str
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Practised:
    """What a practice of a recording gave; `summary` is empty where the command failed, which `problem` tells of."""

    clip: Clip
    summary: dict[str, Any]
    problem: str

    @property
    def enough_partials(self) -> bool:
        """Whether it had as many partials before the end of the audio as its length asks for."""
        wanted = 1 if self.clip.seconds < SHORT else 2
        return int(self.summary.get("partials_before_end", 0)) >= wanted

    @property
    def scored(self) -> bool:
        """Whether it was judged: a score, or a reason why there is none."""
        return self.overall is not None or bool(self.summary.get("reason"))

    @property
    def overall(self) -> float | None:
        """The overall score."""
        return self.summary.get("scores", {}).get("overall")  # type: ignore[no-any-return]


def main() -> int:
    """Practises all recordings."""
    parser = argparse.ArgumentParser(prog="python -m bench.practice_bar", description=__doc__)
    parser.add_argument("--address", help="the server (default: as the command kaiwa has it)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only recordings with this in their name")
    arguments = parser.parse_args()
    if not (DATA / "manifest.tsv").is_file():
        print("bench.practice_bar needs the recordings in ../shared/data", file=sys.stderr)
        return 2
    kaiwa = [sys.executable, "-m", "kaiwa_client", *(["--address", arguments.address] if arguments.address else [])]
    machine("kaiwa", "ctranslate2", "grpcio")
    done = [_practise(kaiwa, clip) for clip in _clips() if arguments.only in clip.id]
    stored = _history(kaiwa)
    for practised in done:
        _print_shortcomings(practised, stored)
    return 0 if all([*_figures(done, stored)]) else 1


def _figures(done: Sequence[Practised], stored: set[str]) -> Iterator[bool]:
    def lacking(name: str, clips: int, must: int | None = 0) -> bool:
        return figure(name, clips, "clips", len(done), must)

    yield lacking("clips_without_enough_partials", sum(not one.enough_partials for one in done))
    yield lacking("clips_without_transcript", sum(not one.summary.get("transcript") for one in done))
    yield lacking("clips_without_score_or_reason", sum(not one.scored for one in done))
    yield lacking("clips_without_attempt_in_history", sum(one.summary.get("attempt_id") not in stored for one in done))
    # The recogniser's mistakes, as long as the assessment is made from its text: not promised.
    yield lacking("clips_judged_other_content", sum(one.overall is None for one in done), None)
    for kind in ("word", "sentence"):
        for name in ("first_partial_ms", "final_ms", "assessment_ms"):
            times = [one.summary[name] for one in done if one.clip.kind == kind and one.summary.get(name) is not None]
            if len(times) > 1:
                cuts = statistics.quantiles(times, n=20, method="inclusive")
                yield figure(f"{name}_{kind}s_p50", statistics.median(times), "ms", len(times))
                yield figure(f"{name}_{kind}s_p95", cuts[18], "ms", len(times))


def _print_shortcomings(practised: Practised, stored: set[str]) -> None:
    summary = practised.summary
    lacks = [
        *(["partials"] if not practised.enough_partials else []),
        *(["transcript"] if not summary.get("transcript") else []),
        *(["score"] if practised.overall is None else []),
        *(["attempt"] if summary.get("attempt_id") not in stored else []),
    ]
    if lacks:
        record = {
            "clip": practised.clip.id,
            "lacks": lacks,
            "text": practised.clip.text,
            "seconds": practised.clip.seconds,
            **{name: summary.get(name) for name in ("transcript", "reading", "reason", "speech_start_ms")},
            **{name: summary.get(name) for name in ("partials", "partials_before_end", "first_partial_ms")},
            "problem": practised.problem,
        }
        print(json.dumps(record, ensure_ascii=False), flush=True)


def _practise(kaiwa: Sequence[str], clip: Clip) -> Practised:
    command = [*kaiwa, "practice", "--text", clip.text, str(clip.file), "--json", "--realtime"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    messages = [json.loads(line) for line in run.stdout.splitlines()]
    summary = messages[-1] if messages and messages[-1]["type"] == "summary" else {}
    return Practised(clip, summary, run.stderr.strip())


def _history(kaiwa: Sequence[str]) -> set[str]:
    """The ids of the attempts that `kaiwa history` shows."""
    run = subprocess.run([*kaiwa, "history", "--json", "--limit", "100000"], capture_output=True, text=True, check=True)
    return {json.loads(line)["attempt_id"] for line in run.stdout.splitlines()}


def _clips() -> list[Clip]:
    with (DATA / "manifest.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [
            Clip(row["id"], DATA / row["file"], row["kind"], row["text"], float(row["duration_s"]))
            for row in rows
            if row["text"]
        ]


if __name__ == "__main__":
    sys.exit(main())
