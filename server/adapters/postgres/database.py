"""Which database a command works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.adapters.postgres.embedded import EmbeddedPostgres


@contextmanager
def database_url(given: str | None, home: Path) -> Iterator[str]:
    """The URL of the database that is set, else of the embedded one, which runs as long as somebody is inside.

    Args:
        given: the URL that is set; None: the embedded one.
        home: where the embedded one lives.

    Raises:
        EmbeddedPostgresError: it can't be started.
    """
    if given is not None:
        yield given
        return
    postgres = EmbeddedPostgres(home)
    try:
        yield postgres.start()
    finally:
        postgres.stop()
