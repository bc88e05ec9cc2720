"""Measures learning: scheduling against published numbers, the optimiser, and speed on a large database.

    python -m bench.learning [--learners 10000] [--calls 1500] [--skip-scale]

The database is the embedded PostgreSQL in a folder of its own that is removed afterwards; 10,000 learners (1 million
cards, 5 million reviews) take about 5 GB. The baseline's dependencies are installed into .build/baseline.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import csv
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import psycopg
from psycopg import sql
from sqlalchemy import event, make_url

from bench.learners import CARDS, REVIEWS, fill, learner, make_models, session
from bench.load import Bare, Baseline, Kaiwa, Taken, card_of, load
from bench.report import figure, machine
from server.accounts.authenticate import Authenticate
from server.accounts.ports import AccessClaims
from server.adapters.clock import SystemClock, UuidV7Source
from server.adapters.fsrs.fitting import FsrsFitting
from server.adapters.postgres.embedded import EmbeddedPostgres
from server.adapters.postgres.engine import create_engine, libpq_url
from server.adapters.postgres.migrate import upgrade
from server.adapters.postgres.unit_of_work import reading_factory, unit_of_work_factory
from server.adapters.tokens import JwtAccessTokens, KeyFolder, ensure_keys
from server.assembly.learning import ContentSentences
from server.content.batch_get_sentences import BatchGetSentences
from server.kernel.identity import Caller, Role
from server.learning.domain.card import NO_MEMORY, CardId, Schedule, State
from server.learning.domain.days import LearnerDays
from server.learning.domain.fsrs import DEFAULT_WEIGHTS, fsrs
from server.learning.domain.review import Rating, RatingSource, ReviewId, ReviewKind
from server.learning.domain.scheduling import answer
from server.learning.domain.selection import CardFilter
from server.learning.domain.settings import ALWAYS, LearningSettings, Regime
from server.learning.domain.submission import Submission
from server.learning.domain.training import LoggedReview, training_set
from server.learning.get_review_queue import GetReviewQueue
from server.learning.submit_reviews import SubmitReviews
from tests.support.processes import free_port, until

ROOT = Path(__file__).parents[1]
SHARED = ROOT.parent / "shared" / "data" / "srs"
_SECRET = "of the baseline alone, and long enough for HS256"  # noqa: S105
_START = datetime(2026, 1, 5, 12, tzinfo=UTC)


def main() -> int:
    """Measures; returns 1 if a figure is not as it must be."""
    options = _parser().parse_args()
    machine("fsrs-rs-python", "grpcio", "psycopg", "sqlalchemy")
    held = [*_vectors(), *asyncio.run(_optimiser())] if SHARED.exists() else []
    if not options.skip_scale:
        held += _scale(options.learners, options.calls)
    return 0 if all(held) else 1


def _vectors() -> list[bool]:
    cases = json.loads((SHARED / "vectors.json").read_text("utf-8"))["cases"]
    matched = sum(_matches(case) for case in cases)
    return [figure("vectors_matched", matched, "cases", len(cases), len(cases), at_least=True)]


def _matches(case: dict[str, Any]) -> bool:
    """Whether a published history comes out: intervals exactly, states to 1e-4."""
    if "expected_interval_days" in case:
        regime = Regime(ALWAYS, LearningSettings(fuzz=False), LearnerDays("UTC", 0))
        schedule, at, intervals, states = Schedule(), _START, [], []
        for repetition, rating in enumerate(case["ratings"]):
            schedule = answer(schedule, Rating(rating), at, regime, (), CardId("card"), repetition).schedule
            length = schedule.interval or timedelta()
            intervals.append(length.days)
            states.append((schedule.memory.stability, schedule.memory.difficulty))
            at += length
        return intervals == case["expected_interval_days"] and all(
            _near(mine, its)
            for mine, its in zip(states, case.get("stability_difficulty_verified", states), strict=True)
        )
    algorithm, memory = fsrs(None, 0.9, 36_500), NO_MEMORY
    for rating, elapsed in zip(case["ratings"], case["elapsed_days_before_each"], strict=True):
        memory = algorithm.answer(memory, State.LEARNING, Rating(rating), elapsed, 0).memory
    return _near((memory.stability, memory.difficulty), (case["expected_stability"], case["expected_difficulty"]))


def _near(mine: Sequence[float | None], its: Sequence[float | None]) -> bool:
    return all(a is not None and b is not None and abs(a - b) <= 1e-4 for a, b in zip(mine, its, strict=True))


async def _optimiser() -> list[bool]:
    seen: set[str] = set()
    log = []
    with (SHARED / "fsrs_revlog.csv").open(encoding="utf-8") as file:
        for row in sorted(csv.DictReader(file), key=lambda row: datetime.fromisoformat(row["review_time"])):
            kind = ReviewKind.REVIEW if row["card_id"] in seen else ReviewKind.LEARNING
            seen.add(row["card_id"])
            at = datetime.fromisoformat(row["review_time"])
            log.append(LoggedReview(row["card_id"], kind, Rating(int(row["review_rating"])), at))
    task = training_set(log, _day_of)
    fit = await FsrsFitting().fit(task, DEFAULT_WEIGHTS)
    return [
        figure("optimiser_log_loss_default_weights", fit.log_loss_before, "nats", task.held_out),
        figure("optimiser_log_loss_fitted", fit.log_loss_after, "nats", task.held_out, round(fit.log_loss_before, 4)),
        figure("optimiser_rmse_default_weights", fit.rmse_before, "", task.held_out),
        figure("optimiser_rmse_fitted", fit.rmse_after, "", task.held_out, round(fit.rmse_before, 4)),
    ]


def _day_of(at: datetime) -> date:
    return (at - timedelta(hours=4)).date()


def _scale(learners: int, calls: int) -> list[bool]:
    with tempfile.TemporaryDirectory(prefix="kaiwa-bench-") as folder:
        home = Path(folder)
        postgres = EmbeddedPostgres(home / "server", settings={"shared_buffers": "1GB", "max_wal_size": "8GB"})
        postgres.start()
        try:
            small = max(1, learners // 100)
            _make_databases(postgres, {"small": small, "large": learners})
            ensure_keys(home / "keys", UuidV7Source())
            sizes = {"small": small, "large": learners}
            held = asyncio.run(_plans(postgres.url("large"), learners, home))
            held += asyncio.run(_compare_sizes(postgres, home, sizes, calls))
            held += asyncio.run(_compare_designs(postgres, home, learners, calls))
            return held
        finally:
            postgres.stop()


def _make_databases(postgres: EmbeddedPostgres, sizes: dict[str, int]) -> None:
    with psycopg.connect(libpq_url(postgres.url("postgres", "postgres")), autocommit=True) as admin:

        def create(name: str, template: str) -> None:
            names = sql.Identifier(name), sql.Identifier(template)
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER kaiwa TEMPLATE {}").format(*names))

        create("models", "template1")
        url = postgres.url("models")
        upgrade(url)
        models = asyncio.run(_models(url))
        for name, learners in sizes.items():
            create(name, "models")
            fill(libpq_url(postgres.url(name, "postgres")), models, learners, _note)
            query = sql.SQL("SELECT pg_database_size({})").format(sql.Literal(name))
            size = admin.execute(query).fetchone()
            _note(f"{name}: {learners} learners, {size[0] / 1e9 if size else 0:.2f} GB")


async def _models(url: str) -> Any:
    engine = create_engine(url)
    try:
        return await make_models(engine, libpq_url(url), SystemClock().now())
    finally:
        await engine.dispose()


async def _plans(url: str, learners: int, home: Path) -> list[bool]:
    """Runs both use cases once, counts their statements, and reads the plan of each."""
    engine = create_engine(url)
    unit_of_work, reading, clock = unit_of_work_factory(engine), reading_factory(engine), SystemClock()
    ran: list[tuple[str, Any]] = []

    def remember(_c: object, _k: object, statement: str, parameters: Any, _x: object, many: bool) -> None:
        ran.append((statement, parameters[0] if many else parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", remember)
    number = learners // 2
    caller = Caller(learner(number), Role.STUDENT, session(number), clock.now() + timedelta(days=1))
    held = []

    sentences = ContentSentences(BatchGetSentences(reading))

    async def queue() -> None:
        await GetReviewQueue(reading, sentences, clock)(caller, CardFilter(), 20)

    async def submit() -> None:
        submission = Submission(
            id=ReviewId(UuidV7Source().new_id()),
            card_id=CardId(card_of(number, random.Random(1))),
            rating=Rating.GOOD,
            client_time=clock.now(),
            time_taken=timedelta(seconds=5),
            rating_source=RatingSource.LEARNER,
            attempt_id=None,
            filtered=False,
        )
        await SubmitReviews(unit_of_work, clock)(caller, [submission])

    async def sign_in() -> None:
        tokens = JwtAccessTokens(KeyFolder(home / "keys"), issuer="kaiwa", audience="kaiwa")
        await Authenticate(reading, tokens, clock)(_token(tokens, number))

    try:
        for name, run in (("authentication", sign_in), ("GetReviewQueue", queue), ("SubmitReview", submit)):
            # The first time, a new connection says more than it has to.
            await run()
            ran.clear()
            await run()
            statements = list(ran)
            scans = _sequential_scans(libpq_url(url), statements)
            held.append(
                figure(f"{name}_sequential_scans", len(scans), "plans", len(statements), 0, tables=sorted(set(scans)))
            )
            figure(f"{name}_statements", len(statements), "statements", 1)
    finally:
        await engine.dispose()
    return held


def _sequential_scans(dsn: str, statements: Sequence[tuple[str, Any]]) -> list[str]:
    """The tables that the plans of statements read from end to end."""
    found: list[str] = []
    with psycopg.connect(dsn) as connection:
        for statement, parameters in statements:
            row = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters).fetchone()
            found += _scans_in(row[0][0]["Plan"] if row else {})
            connection.rollback()
    return found


def _scans_in(plan: dict[str, Any]) -> list[str]:
    own = [str(plan["Relation Name"])] if plan.get("Node Type") == "Seq Scan" else []
    return own + [table for below in plan.get("Plans", ()) for table in _scans_in(below)]


async def _compare_sizes(postgres: EmbeddedPostgres, home: Path, sizes: dict[str, int], calls: int) -> list[bool]:
    """The 95th percentile of both calls on the large database and on one of a hundredth, in turns."""
    with contextlib.ExitStack() as stack:
        ports = {name: stack.enter_context(_kaiwa_server(postgres.url(name), home)) for name in sizes}
        taken: dict[tuple[str, str], list[float]] = {(each, name): [] for each in ("queue", "submit") for name in sizes}
        for port in ports.values():
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                await asyncio.wait_for(channel.channel_ready(), 60)
        for turn in range(6):
            for name in sorted(sizes, reverse=bool(turn % 2)):
                async with grpc.aio.insecure_channel(f"127.0.0.1:{ports[name]}") as channel:
                    kaiwa = Kaiwa(channel, _tokens(home))
                    for each, call in (("queue", kaiwa.queue), ("submit", kaiwa.submit)):
                        done = await load(call, sizes[name], calls=calls // 5, at_once=2, seed=turn)
                        # The first turn warms caches, connections and plans.
                        taken[each, name] += done.seconds if turn else ()
    held = []
    for each, method in (("queue", "GetReviewQueue"), ("submit", "SubmitReview")):
        small, large = (_percentile(taken[each, name], 95) for name in ("small", "large"))
        n = len(taken[each, "large"])
        figure(f"{method}_p95_ms_small", small * 1000, "ms", n, cards=sizes["small"] * CARDS)
        figure(f"{method}_p95_ms_large", large * 1000, "ms", n, cards=sizes["large"] * CARDS)
        held.append(figure(f"{method}_p95_large_over_small", large / small, "ratio", n, 1.5))
    return held


async def _compare_designs(postgres: EmbeddedPostgres, home: Path, learners: int, calls: int) -> list[bool]:
    """Calls a second of Kaiwa, of the seed's design and of a bare method, one process each, in turns."""
    with contextlib.ExitStack() as stack:
        url = postgres.url("large")
        kaiwa_port = stack.enter_context(_kaiwa_server(url, home))
        bare_port = stack.enter_context(_bare_server(url))
        baseline = Baseline(stack.enter_context(_baseline_server(url)), _SECRET)
        stack.callback(baseline.close)
        async with (
            grpc.aio.insecure_channel(f"127.0.0.1:{kaiwa_port}") as channel,
            grpc.aio.insecure_channel(f"127.0.0.1:{bare_port}") as bare_channel,
        ):
            await asyncio.wait_for(channel.channel_ready(), 60)
            kaiwa, bare = Kaiwa(channel, _tokens(home)), Bare(bare_channel)
            todo = {
                ("kaiwa", "queue"): kaiwa.queue,
                ("baseline", "queue"): baseline.queue,
                ("kaiwa", "submit"): kaiwa.submit,
                ("baseline", "submit"): baseline.submit,
                ("bare", "select"): bare.select,
            }
            rates: dict[tuple[str, str], list[Taken]] = {key: [] for key in todo}
            for turn in range(5):
                for key, call in todo.items():
                    done = await load(call, learners, calls=calls // 5, at_once=8, seed=100 + turn)
                    if turn:
                        rates[key].append(done)
            cards = kaiwa.cards, baseline.cards
            statements = await baseline.statements()
    per_second = {key: statistics.median(each.per_second for each in found) for key, found in rates.items()}
    n = calls // 5 * 4
    for (design, what), value in per_second.items():
        figure(f"{design}_{what}_per_second", value, "calls/s", n)
    figure("cards_in_a_queue_kaiwa", cards[0] / (calls // 5 * 5), "cards", n)
    figure("cards_in_a_queue_baseline", cards[1] / (calls // 5 * 5), "cards", n)
    figure(
        "baseline_statements_a_call", statements["statements"] / statements["calls"], "statements", statements["calls"]
    )
    held = []
    for what in ("queue", "submit"):
        ours = per_second["kaiwa", what]
        figure(f"{what}_over_bare_select", ours / per_second["bare", "select"], "ratio", n)
        over = ours / per_second["baseline", what]
        held.append(figure(f"{what}_over_baseline", over, "ratio", n, 1.0, at_least=True, aim=2.0))
    return held


@contextlib.contextmanager
def _kaiwa_server(url: str, home: Path) -> Iterator[int]:
    port = free_port()
    environment = {
        "KAIWA_DATABASE_URL": url,
        "KAIWA_HOME": str(home),
        "KAIWA_SERVICES": "learning",
        "KAIWA_LISTEN": f"127.0.0.1:{port}",
        "KAIWA_METRICS_LISTEN": "off",
        "KAIWA_RATE_NORMAL": "100000000",
    }
    with _running([sys.executable, "-m", "server", "serve"], environment):
        yield port


@contextlib.contextmanager
def _bare_server(url: str) -> Iterator[int]:
    with _running([sys.executable, "-m", "bench.bare", libpq_url(url)], {}) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


@contextlib.contextmanager
def _baseline_server(url: str) -> Iterator[int]:
    folder = ROOT / ".build" / "baseline"
    python = folder / "bin" / "python"
    if not (folder / ".installed").exists():
        _note("installing the baseline's own dependencies")
        venv.create(folder, with_pip=True, clear=True)
        wanted = str(ROOT / "bench" / "baseline" / "requirements.txt")
        subprocess.run([python, "-m", "pip", "install", "-q", "-r", wanted], check=True)
        (folder / ".installed").touch()
    parsed = make_url(url)
    database = parsed.set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)
    port = free_port()
    command = [str(python), "-m", "uvicorn", "--port", str(port), "--app-dir", str(ROOT), "bench.baseline.app:app"]
    with _running(command, {"BASELINE_DATABASE_URL": database, "BASELINE_SECRET": _SECRET}) as process:
        until(lambda: process.poll() is not None or _answers(port), "the baseline", 60)
        if process.poll() is not None:
            raise RuntimeError("the baseline did not come up")
        yield port


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def _running(command: Sequence[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command,
        env={**os.environ, **environment},
        cwd=ROOT,
        # What is logged and not read would stop the process when the pipe is full.
        stdout=subprocess.PIPE if "bench.bare" in command else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        if process.stdout is not None:
            process.stdout.close()


def _tokens(home: Path) -> Any:
    tokens = JwtAccessTokens(KeyFolder(home / "keys"), issuer="kaiwa", audience="kaiwa")
    made: dict[int, str] = {}

    def token(number: int) -> str:
        if number not in made:
            made[number] = _token(tokens, number)
        return made[number]

    return token


def _token(tokens: JwtAccessTokens, number: int) -> str:
    now = datetime.now(UTC)
    return tokens.issue(AccessClaims(learner(number), session(number), now + timedelta(hours=2)), now)


def _percentile(seconds: Sequence[float], percent: int) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[percent - 1]


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench.learning", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--learners", type=int, default=10_000, help=f"each with {CARDS} cards and {REVIEWS} reviews")
    parser.add_argument("--calls", type=int, default=1_500, help="of each kind and size")
    parser.add_argument("--skip-scale", action="store_true", help="measure scheduling and the optimiser only")
    return parser


if __name__ == "__main__":
    sys.exit(main())
