"""The migrations make what the tables declare, and can be gone back from."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, NullPool, create_engine, inspect, text

from server.adapters.postgres import migrate
from server.adapters.postgres.tables import Base
from server.errors import Reason, Unavailable

USER = "01900000-0000-7000-8000-000000000001"

# Everything of a schema but the order of columns and constraints; a number's default may be written as text.
CATALOG = r"""
SELECT 'column', c.relname || '.' || a.attname,
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'NOT NULL' END,
                 regexp_replace(pg_get_expr(d.adbin, d.adrelid), '^''([0-9.]+)''::.*$', '\1'))
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid AND c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'alembic_version'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
  FROM pg_constraint
 WHERE connamespace = 'public'::regnamespace AND conrelid <> 0 AND contype <> 'n'
   AND conrelid::regclass::text <> 'alembic_version'
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'
ORDER BY 1, 2, 3
"""


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    with create_engine(url, poolclass=NullPool).connect() as connection:
        yield connection


def catalog(connection: Connection) -> list[tuple[str, ...]]:
    return [tuple(row) for row in connection.execute(text(CATALOG))]


def test_migrated_schema_matches_the_tables(database_url: str) -> None:
    with connected(database_url) as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "include_schemas": False}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_migrated_catalog_is_that_of_the_tables(database_url: str, empty_database_url: str) -> None:
    with connected(empty_database_url) as connection:
        connection.execute(text("CREATE EXTENSION pg_trgm"))
        Base.metadata.create_all(connection)
        declared = catalog(connection)
    with connected(database_url) as connection:
        assert catalog(connection) == declared


def test_other_schemas_are_left_alone(empty_database_url: str) -> None:
    with connected(empty_database_url) as connection:
        connection.execute(text("CREATE SCHEMA other"))
        connection.execute(text("CREATE TABLE other.jobs (id int PRIMARY KEY)"))
        connection.commit()
    migrate.upgrade(empty_database_url)
    with connected(empty_database_url) as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    migrate.downgrade(empty_database_url, "base")
    with connected(empty_database_url) as connection:
        assert inspect(connection).get_table_names("other") == ["jobs"]


def test_each_migration_goes_down_and_up_again_and_keeps_users(empty_database_url: str) -> None:
    script = ScriptDirectory(str(migrate.SCRIPTS))
    revisions = [revision.revision for revision in reversed([*script.walk_revisions()])]
    seen: dict[str, list[tuple[str, ...]]] = {}
    for revision in revisions:
        migrate.upgrade(empty_database_url, revision)
        with connected(empty_database_url) as connection:
            seen[revision] = catalog(connection)
            if revision == revisions[0]:
                connection.execute(
                    text(
                        "INSERT INTO users (id, email, username, password_hash, created_at, updated_at) "
                        "VALUES (:id, 'mika@example.org', 'mika', 'x', now(), now())"
                    ),
                    {"id": USER},
                )
                connection.commit()
    for revision in reversed(revisions[:-1]):
        migrate.downgrade(empty_database_url, revision)
        with connected(empty_database_url) as connection:
            assert catalog(connection) == seen[revision]
    migrate.upgrade(empty_database_url)
    with connected(empty_database_url) as connection:
        assert catalog(connection) == seen[revisions[-1]]
        assert connection.execute(text("SELECT username FROM users")).scalars().all() == ["mika"]


def test_down_to_nothing_leaves_no_table(empty_database_url: str) -> None:
    migrate.upgrade(empty_database_url)
    assert migrate.current_revision(empty_database_url) == migrate.head_revision()
    migrate.downgrade(empty_database_url, "base")
    assert migrate.current_revision(empty_database_url) is None
    with connected(empty_database_url) as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    migrate.upgrade(empty_database_url)
    assert migrate.current_revision(empty_database_url) == migrate.head_revision()


def test_servers_that_start_at_once_take_turns(empty_database_url: str) -> None:
    failures: list[BaseException] = []

    def start() -> None:
        try:
            migrate.upgrade(empty_database_url)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert migrate.current_revision(empty_database_url) == migrate.head_revision()


def test_a_database_that_is_away_is_unavailable(empty_database_url: str) -> None:
    with pytest.raises(Unavailable) as caught:
        migrate.upgrade(empty_database_url.replace("socket", "nothing"))
    assert caught.value.reason is Reason.DATABASE_UNAVAILABLE


def test_the_queue_is_that_of_the_installed_procrastinate(database_url: str) -> None:
    (pinned,) = (migrate.SCRIPTS / "procrastinate").glob("*.sql")
    assert pinned.read_text("utf-8") == SchemaManager.get_schema()
    with connected(database_url) as connection:
        assert "procrastinate_jobs" in inspect(connection).get_table_names("procrastinate")
        assert not [name for name in inspect(connection).get_table_names() if name.startswith("procrastinate")]


def test_there_is_one_head() -> None:
    assert ScriptDirectory(str(migrate.SCRIPTS)).get_heads() == [migrate.head_revision()]
