"""Brings a database's schema to the one this version of the server needs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from server.adapters.postgres.failures import translate

SCRIPTS = Path(__file__).resolve().parents[3] / "migrations"
LOCK_WAIT = timedelta(minutes=10)

# Any number that nobody else takes for an advisory lock of this database.
_LOCK = 0x6B61697761


def upgrade(url: str, revision: str = "head") -> None:
    """Migrates up to `revision`. Does nothing where the schema is there already.

    Servers that start at once take turns; each migration is one transaction, so a failed one leaves nothing behind.

    Args:
        url: `postgresql+psycopg://...`, of a role that may create tables.

    Raises:
        server.errors.Unavailable: the database can't be reached.
    """
    _alembic(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Migrates down to `revision` (`base`: to nothing). Data that the older schema has no place for is lost."""
    _alembic(url, lambda config: command.downgrade(config, revision))


def current_revision(url: str) -> str | None:
    """The revision that the database is at; None: it has never been migrated."""
    with _connect(_engine(url)) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str | None:
    """The revision that this version of the server needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _alembic(url: str, run: Callable[[Config], None]) -> None:
    engine = _engine(url)
    # The lock has a connection of its own, so that a migration may commit in between (CREATE INDEX CONCURRENTLY).
    with _connect(engine) as guard, _connect(engine) as connection:
        guard.execution_options(isolation_level="AUTOCOMMIT")
        guard.execute(text("SELECT set_config('lock_timeout', :wait, false)"), {"wait": f"{LOCK_WAIT.seconds}s"})
        guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _LOCK})
        config = _config()
        config.attributes["connection"] = connection
        run(config)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config


def _engine(url: str) -> Engine:
    return create_engine(
        url,
        poolclass=NullPool,
        connect_args={"application_name": "kaiwa-migrate", "connect_timeout": 5},
    )


@contextmanager
def _connect(engine: Engine) -> Iterator[Connection]:
    try:
        with engine.connect() as connection:
            yield connection
    except DBAPIError as error:
        if (meaning := translate(error)) is not None:
            raise meaning from error
        raise
