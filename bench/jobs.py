"""Kills workers at random points of many jobs, counts what was done twice or not at all, and cancels jobs.

    python -m bench.jobs [--jobs 1000] [--kills 100] [--workers 4] [--cancels 40] [--seed 1]

Its database is the embedded PostgreSQL in a folder of its own that is removed afterwards.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

from bench.report import figure, machine
from server.adapters.postgres.embedded import EmbeddedPostgres
from server.adapters.postgres.migrate import upgrade
from tests.support.killed_workers import cancel_each, survive


def main() -> int:
    """Measures; returns 1 if a figure is not as it must be."""
    options = _parser().parse_args()
    machine("procrastinate", "psycopg")
    with tempfile.TemporaryDirectory(prefix="kaiwa-bench-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "server")
        url = postgres.start()
        try:
            upgrade(url)
            outcome = survive(
                url,
                Path(folder),
                jobs=options.jobs,
                workers=options.workers,
                kills=options.kills,
                seed=options.seed,
                steps=4,
                pause=0.3,
                limit=3600,
            )
            cancelled = cancel_each(url, Path(folder), jobs=options.cancels, seed=options.seed, limit=60)
        finally:
            postgres.stop()
    about = {"kills": outcome.kills, "workers": options.workers, "seed": options.seed}
    unfinished = options.jobs - outcome.states["succeeded"]
    held = [
        figure("jobs that did not succeed", unfinished, "jobs", options.jobs, 0, **about),
        figure("parts that were not done", outcome.missing, "parts", options.jobs * 5, 0),
        figure("parts that were done more than once", outcome.repeated, "parts", options.jobs * 5, 0),
        figure("progress that went back", outcome.went_back, "times", options.jobs, 0),
        figure("longest time until a cancelled job ended", max(cancelled), "s", len(cancelled), 2),
        figure("median time until a cancelled job ended", statistics.median(cancelled), "s", len(cancelled)),
        figure("attempts a job", outcome.attempts / options.jobs, "attempts", options.jobs),
        figure("time in all", outcome.seconds, "s", 1),
    ]
    return 0 if all(held) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.jobs", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--cancels", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    sys.exit(main())
