"""The connection pool that all units of work share."""

import select
import time
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import event, make_url
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.adapters.postgres.failures import redact

CONNECT_TIMEOUT = timedelta(seconds=3)
POOL_TIMEOUT = timedelta(seconds=5)
LOCK_TIMEOUT = timedelta(seconds=5)
STATEMENT_TIMEOUT = timedelta(seconds=15)
UNTESTED = timedelta(seconds=1)
"""How long a connection may lie in the pool and be taken again without a statement that tests it."""
PATIENCE: Mapping[str, int] = MappingProxyType(
    {
        "connect_timeout": int(CONNECT_TIMEOUT.total_seconds()),
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 2,
        "tcp_user_timeout": 10_000,
    }
)
"""How soon a connection notices that the other end is away, as libpq's parameters."""


def libpq_url(url: str) -> str:
    """A database's URL as libpq takes it.

    Args:
        url: `postgresql+psycopg://...`.
    """
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def create_engine(
    url: str,
    *,
    pool_size: int = 20,
    application_name: str = "kaiwa-server",
    statement_timeout: timedelta = STATEMENT_TIMEOUT,
) -> AsyncEngine:
    """Makes the pool; connects at first use.

    A connection is tested when it leaves the pool (`_Tests`), so a restart of the database fails no call.
    When the database is away, a call fails within `CONNECT_TIMEOUT`, and a connection whose other end vanished within
    10 s.

    Args:
        url: `postgresql+psycopg://...`.
        pool_size: the most connections at once; further units of work wait up to `POOL_TIMEOUT`.
        application_name: how the connections are called in `pg_stat_activity`.
        statement_timeout: the longest a statement may run.
    """
    parsed = make_url(url)
    own = parsed.query.get("options", "")
    options = " ".join(
        [
            own if isinstance(own, str) else " ".join(own),
            "-c TimeZone=UTC",
            f"-c statement_timeout={_ms(statement_timeout)}",
            f"-c lock_timeout={_ms(LOCK_TIMEOUT)}",
            f"-c idle_in_transaction_session_timeout={_ms(timedelta(minutes=1))}",
        ]
    )
    engine = create_async_engine(
        parsed.set(drivername="postgresql+psycopg"),
        # What fails is logged with its text: without the addresses and hashes among its parameters.
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_TIMEOUT.total_seconds(),
        connect_args={
            "application_name": application_name,
            **PATIENCE,
            "options": options.strip(),
        },
    )
    event.listen(engine.sync_engine, "handle_error", redact)
    tests = _Tests(engine.dialect)
    event.listen(engine.sync_engine, "checkin", tests.left)
    event.listen(engine.sync_engine, "checkout", tests.taken)
    return engine


class _Tests:
    """Tests connections that leave the pool, in place of SQLAlchemy's ping: that is a round trip each time.

    One that was used within `UNTESTED` is taken for alive unless its socket has something to read, as when the other
    end closed it: the system tells so without a word to the database. Any other one has to answer a statement.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect

    def left(self, connection: Any, record: Any) -> None:
        """Notes when a connection came back."""
        record.info["left"] = time.monotonic()

    def taken(self, connection: Any, record: Any, proxy: Any) -> None:
        """Raises InvalidatePoolError when the connection is dead: the pool then opens another one."""
        left = record.info.pop("left", None)
        if left is None:
            return
        try:
            driver = connection.driver_connection
            if driver.closed:
                raise InvalidatePoolError
            recent = time.monotonic() - left < UNTESTED.total_seconds()
            if not recent or _has_something_to_read(driver.fileno()):
                self._dialect.do_ping(connection)
        except self._dialect.loaded_dbapi.Error as error:
            if not self._dialect.is_disconnect(error, connection, None):
                raise
            raise InvalidatePoolError from error


def _has_something_to_read(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)
