"""The connection pool that all units of work share."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from sqlalchemy import event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from server.adapters.postgres.failures import redact

CONNECT_TIMEOUT = timedelta(seconds=3)
POOL_TIMEOUT = timedelta(seconds=5)
LOCK_TIMEOUT = timedelta(seconds=5)
STATEMENT_TIMEOUT = timedelta(seconds=15)
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

    A connection is tested when it leaves the pool, so a restart of the database fails no call. When the database is
    away, a call fails within `CONNECT_TIMEOUT`, and a connection whose other end vanished within 10 s.

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
        pool_pre_ping=True,
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
    return engine


def _ms(duration: timedelta) -> int:
    return round(duration.total_seconds() * 1000)
