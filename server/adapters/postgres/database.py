"""Which database a command works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from server.adapters.postgres.embedded import EmbeddedPostgres
from server.config import Settings


@contextmanager
def database_url(settings: Settings) -> Iterator[str]:
    """The URL of the database that is set, else of the embedded one, which runs as long as somebody is inside.

    Raises:
        EmbeddedPostgresError: it can't be started.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    postgres = EmbeddedPostgres(settings.home)
    try:
        yield postgres.start()
    finally:
        postgres.stop()
