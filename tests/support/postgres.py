"""A real PostgreSQL for tests: one server for all runs and workers of a checkout, one fresh database a test.

A test asks for `unit_of_work` (or `engine`, or `database_url`) and has a migrated database of its own. Cloning it from
a template takes about 40 ms. `empty_database_url` is one that was never migrated.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from server.adapters.postgres import migrate
from server.adapters.postgres.embedded import EmbeddedPostgres
from server.adapters.postgres.embedded.locks import taking_turns
from server.adapters.postgres.engine import create_engine
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork, unit_of_work_factory

# Nothing here has to survive a power cut.
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
_TURN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Databases:
    """Makes and drops databases on the tests' server."""

    server: EmbeddedPostgres
    admin: psycopg.Connection[tuple[object, ...]]
    migrated: str

    @contextlib.contextmanager
    def fresh(self, template: str) -> Iterator[str]:
        """A database cloned from `template` and dropped after use, however many connections it still has."""
        name = f"test_{uuid.uuid4().hex}"
        self.create(name, template)
        try:
            yield self.server.url(name)
        finally:
            self.admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def create(self, name: str, template: str) -> None:
        """Makes a database that belongs to the server's ordinary role."""
        names = sql.Identifier(name), sql.Identifier("kaiwa"), sql.Identifier(template)
        self.admin.execute(sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(*names))


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """The server. Whoever comes first starts it, whoever leaves last removes it."""
    folder = _own_folder()
    server = EmbeddedPostgres(folder / "server", settings=_SETTINGS)
    with taking_turns(folder / "lock", _TURN):
        if server.pid() is None:
            # Without fsync, what a crash left behind can't be trusted.
            shutil.rmtree(folder / "server", ignore_errors=True)
        server.start()
    try:
        with psycopg.connect(_psycopg_url(server.url("postgres", "postgres")), autocommit=True) as admin:
            databases = Databases(server, admin, f"template_{_schema_digest()}")
            with taking_turns(folder / "lock", _TURN):
                _ensure_template(databases)
            yield databases
    finally:
        with taking_turns(folder / "lock", _TURN):
            if server.stop():
                shutil.rmtree(folder / "server", ignore_errors=True)


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """A migrated database of the test's own."""
    with databases.fresh(databases.migrated) as url:
        yield url


@pytest.fixture
def empty_database_url(databases: Databases) -> Iterator[str]:
    """A database of the test's own with nothing in it."""
    with databases.fresh("template1") as url:
        yield url


@pytest.fixture
async def engine(database_url: str) -> AsyncIterator[AsyncEngine]:
    """The pool of the test's database."""
    engine = create_engine(database_url, application_name="tests")
    try:
        yield engine
    finally:
        await engine.dispose()


@pytest.fixture
def unit_of_work(engine: AsyncEngine) -> Callable[[], PostgresUnitOfWork]:
    """What a use case is given to open transactions with."""
    return unit_of_work_factory(engine)


def _ensure_template(databases: Databases) -> None:
    known = databases.admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [databases.migrated])
    if known.fetchone() is None:
        unfinished = f"unfinished_{uuid.uuid4().hex}"
        databases.create(unfinished, "template1")
        migrate.upgrade(databases.server.url(unfinished))
        names = sql.Identifier(unfinished), sql.Identifier(databases.migrated)
        databases.admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*names))


def _schema_digest() -> str:
    digest = hashlib.sha256()
    for file in sorted((migrate.SCRIPTS / "versions").glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _own_folder() -> Path:
    """A folder for this user and checkout, the same in every run, so that a killed run's server is found again."""
    checkout = hashlib.sha256(os.fsencode(Path(__file__).resolve())).hexdigest()[:8]
    folder = Path(tempfile.gettempdir()) / f"kaiwa-tests-{os.geteuid()}-{checkout}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.geteuid() or folder.is_symlink():
        raise RuntimeError(f"{folder} belongs to somebody else")
    return folder


def _psycopg_url(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
