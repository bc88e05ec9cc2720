"""Measures what sign-ins do to other calls, and what the time of answers tells.

    python -m bench.accounts [--rounds 30] [--names 60]

Starts a server of its own, with an embedded PostgreSQL in a folder that is removed afterwards. Exits with 1 when a
figure is not as it must be.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import bcrypt
import grpc
from sqlalchemy import insert

from bench.report import figure, machine
from kaiwa.accounts.v1 import accounts_service_pb2 as pb
from kaiwa.accounts.v1 import accounts_service_pb2_grpc as rpc
from server.accounts.domain.password import Password
from server.adapters.passwords import Argon2Passwords
from server.adapters.postgres.embedded import EmbeddedPostgres
from server.adapters.postgres.engine import create_engine
from server.adapters.postgres.migrate import upgrade
from server.adapters.postgres.tables import UserRow
from tests.support.real_server import RealServer

AT_ONCE = 20
"""Sign-ins at once."""
MUST_RISE_MS = 20.0
"""What they may add to the p95 of other calls."""
PAUSE = 0.02
"""Seconds between two calls of the others, whether the one before has been answered or not."""
QUIET = 1.0
"""Seconds of a round without sign-ins."""
DEVIATIONS = 3.0
"""Standard deviations of chance by which the order of times may differ from that of equals."""
PASSWORD = "a long enough pass phrase"  # noqa: S105 - of accounts that are gone with their folder


def main() -> int:
    """Measures; returns 1 if a figure is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m bench.accounts", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30, help="rounds of 20 sign-ins (default: 30)")
    parser.add_argument("--names", type=int, default=60, help="names of each kind whose times are compared")
    options = parser.parse_args()
    machine("argon2-cffi", "grpcio", "psycopg")
    with tempfile.TemporaryDirectory(prefix="kaiwa-bench-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "postgres")
        url = postgres.start()
        server = RealServer(Path(folder) / "home", {"KAIWA_DATABASE_URL": url, "KAIWA_SERVICES": "accounts"})
        try:
            upgrade(url)
            server.start()
            held = asyncio.run(_measure(server.address, url, options.rounds, options.names))
        finally:
            server.stop()
            postgres.stop()
    return 0 if held else 1


async def _measure(address: str, url: str, rounds: int, names: int) -> bool:
    await _make_accounts(url, names)
    async with grpc.aio.insecure_channel(address) as channel:
        stub: rpc.AccountsServiceAsyncStub = rpc.AccountsServiceStub(channel)
        held = [*await _beside_sign_ins(stub, rounds)]
        held += [*await _told_by_time(stub, names)]
    return all(held)


# --- What sign-ins do to other calls ----------------------------------------------------------------------------------


async def _beside_sign_ins(stub: rpc.AccountsServiceAsyncStub, rounds: int) -> Sequence[bool]:
    first = await stub.Login(pb.LoginRequest(login="learner-0", password=PASSWORD))
    me = (("authorization", f"Bearer {first.tokens.access_token}"),)
    quiet: list[float] = []
    beside: list[float] = []
    sign_ins: list[float] = []

    async def sign_in(number: int) -> None:
        sign_ins.append(await _timed(lambda: stub.Login(pb.LoginRequest(login=f"learner-{number}", password=PASSWORD))))

    async def get_me(times: list[float]) -> None:
        times.append(await _timed(lambda: stub.GetMe(pb.GetMeRequest(), metadata=me)))

    async def others(times: list[float], until: Callable[[], bool]) -> None:
        """Calls at a steady rate, however long the answers take."""
        calls = []
        while not until():
            calls.append(asyncio.create_task(get_me(times)))
            await asyncio.sleep(PAUSE)
        await asyncio.gather(*calls)

    for round_ in range(rounds + 1):
        end = time.monotonic() + QUIET
        await others(quiet, lambda end=end: time.monotonic() >= end)  # type: ignore[misc]  # bound in this round
        burst = asyncio.gather(*(sign_in(number) for number in range(AT_ONCE)))
        await others(beside, burst.done)
        await burst
        if round_ == 0:
            # The first round warms caches and connections.
            quiet, beside, sign_ins = [], [], []
    alone, with_them = _p95(quiet), _p95(beside)
    return [
        figure("other_calls_p50_alone_ms", statistics.median(quiet), "ms", len(quiet)),
        figure("other_calls_p50_beside_20_sign_ins_ms", statistics.median(beside), "ms", len(beside)),
        figure("other_calls_p95_alone_ms", alone, "ms", len(quiet)),
        figure("other_calls_p95_beside_20_sign_ins_ms", with_them, "ms", len(beside)),
        figure("other_calls_p95_rise_ms", with_them - alone, "ms", len(beside), MUST_RISE_MS),
        figure("sign_in_of_20_p95_ms", _p95(sign_ins), "ms", len(sign_ins)),
    ]


# --- What the time of answers tells -----------------------------------------------------------------------------------


async def _told_by_time(stub: rpc.AccountsServiceAsyncStub, names: int) -> Sequence[bool]:
    kinds = ("known", "inactive", "bcrypt", "unknown")
    sign_ins = await _in_random_order(
        [(kind, f"{kind}-{number}@example.com") for kind in kinds for number in range(names)],
        lambda login, metadata: stub.Login(pb.LoginRequest(login=login, password="wrong horse"), metadata=metadata),  # noqa: S106
    )
    resets = await _in_random_order(
        [(kind, f"{kind}-{number}@example.com") for kind in ("known", "unknown") for number in range(names)],
        lambda email, metadata: stub.RequestPasswordReset(
            pb.RequestPasswordResetRequest(email=email), metadata=metadata
        ),
    )
    return [
        held
        for what, times in (("sign_in", sign_ins), ("password_reset", resets))
        for kind in times
        if kind != "unknown"
        for held in _compared(f"{what}_{kind}", times[kind], times["unknown"])
    ]


async def _in_random_order(
    calls: list[tuple[str, str]], call: Callable[[str, tuple[tuple[str, str], ...]], Awaitable[object]]
) -> dict[str, list[float]]:
    """The milliseconds of calls by kind, one after another, each from a network of its own."""
    random.Random(1).shuffle(calls)
    times: dict[str, list[float]] = {kind: [] for kind in sorted({kind for kind, _ in calls})}
    for number, (kind, name) in enumerate(calls):
        network = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        times[kind].append(await _timed(partial(call, name, (("x-forwarded-for", network),))))
    return times


def _compared(name: str, times: Sequence[float], unknown: Sequence[float]) -> Iterator[bool]:
    """How well the time tells a name that is known from one that is not."""
    pairs = len(times) * len(unknown)
    # Mann and Whitney's U, as the chance that the known one takes longer; of equals it is a half.
    longer = sum((known > other) + 0.5 * (known == other) for known in times for other in unknown) / pairs
    deviation = math.sqrt((len(times) + len(unknown) + 1) / (12 * pairs))
    yield figure(
        f"{name}_median_against_unknown_ms", statistics.median(times) - statistics.median(unknown), "ms", len(times)
    )
    yield figure(
        f"{name}_told_from_unknown_by_time", abs(longer - 0.5), "chance over 0.5", len(times), DEVIATIONS * deviation
    )


# --- Tools ------------------------------------------------------------------------------------------------------------


async def _timed(call: Callable[[], Awaitable[object]]) -> float:
    """Milliseconds that a call takes; a refusal of the credentials is an answer like any other."""
    began = time.perf_counter()
    try:
        await call()
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.UNAUTHENTICATED:
            raise
    return (time.perf_counter() - began) * 1000


def _p95(times: Sequence[float]) -> float:
    return statistics.quantiles(times, n=20, method="inclusive")[18]


async def _make_accounts(url: str, names: int) -> None:
    passwords = Argon2Passwords()
    ours = await passwords.hash(Password(PASSWORD))
    passwords.close()
    foreign = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(12)).decode()
    now = datetime.now(UTC)
    accounts = [("learner", number, ours, True) for number in range(AT_ONCE)]
    for kind, stored, active in (("known", ours, True), ("inactive", ours, False), ("bcrypt", foreign, True)):
        accounts += [(kind, number, stored, active) for number in range(names)]
    rows = [
        {
            "id": str(uuid.uuid4()),
            "email": f"{kind}-{number}@example.com",
            "username": f"{kind}-{number}",
            "password_hash": stored,
            "active": active,
            "created_at": now,
            "updated_at": now,
        }
        for kind, number, stored, active in accounts
    ]
    engine = create_engine(url)
    async with engine.begin() as connection:
        await connection.execute(insert(UserRow), rows)
    await engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
