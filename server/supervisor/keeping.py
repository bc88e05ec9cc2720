"""Starting again what has died."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta

from server.adapters.postgres.embedded import EmbeddedPostgres
from server.supervisor.children import Child, describe_end
from server.supervisor.screen import Screen


class UpError(Exception):
    """Kaiwa can't be started, or can't be kept running. The message says why."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take.

    Attributes:
        start: until everything is ready.
        leftovers: for processes of a killed `up` to end.
        pauses: before a child that died is started again: the first time, the second, ...; no more: give up.
        stable: a child that lived this long counts as healthy again.
        watch: between two looks at PostgreSQL.
    """

    start: timedelta = timedelta(minutes=3)
    leftovers: timedelta = timedelta(seconds=5)
    pauses: tuple[timedelta, ...] = tuple(timedelta(seconds=seconds) for seconds in (0, 1, 2, 5, 10))
    stable: timedelta = timedelta(minutes=1)
    watch: timedelta = timedelta(seconds=1)


async def keep(child: Child, patience: Patience, screen: Screen) -> None:
    """Starts a child again whenever it ends.

    Raises:
        UpError: it ended too often.
    """
    deaths = 0
    while True:
        began = time.monotonic()
        code = await child.ended()
        deaths = 1 if time.monotonic() - began > patience.stable.total_seconds() else deaths + 1
        said = obituary(child, code)
        if deaths > len(patience.pauses):
            raise UpError(f"Giving up. {said}")
        pause = patience.pauses[deaths - 1].total_seconds()
        screen.fault(child.name, f"{said}\nStarting it again {f'in {pause:.0f} s' if pause else 'at once'}.")
        await asyncio.sleep(pause)
        await child.start()


async def keep_postgres(postgres: EmbeddedPostgres, patience: Patience, screen: Screen) -> None:
    """Starts PostgreSQL again whenever it ends.

    Raises:
        UpError: it ended too often.
        EmbeddedPostgresError: it can't be started.
    """
    for _ in range(len(patience.pauses)):
        while await asyncio.to_thread(postgres.pid) is not None:  # noqa: ASYNC110 - another process is watched
            await asyncio.sleep(patience.watch.total_seconds())
        screen.fault("PostgreSQL", "has ended. Starting it again.")
        starting = asyncio.create_task(asyncio.to_thread(postgres.start))
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            # It can't be interrupted; whoever stops PostgreSQL next has to find it whole.
            await asyncio.wait({starting})
            raise
        screen.step("PostgreSQL", f"runs again, process {postgres.pid()}")
    raise UpError("Giving up: PostgreSQL ends again and again; see postgres/server.log in Kaiwa's folder.")


def obituary(child: Child, code: int) -> str:
    """That a child ended, how, and the last that it wrote."""
    words = child.last_words()
    said = f"{child.log} ends with:\n{words}" if words else f"It wrote nothing to {child.log}."
    return f"{child.name} ended ({describe_end(code)}). {said}"
