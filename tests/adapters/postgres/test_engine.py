"""The pool when the database goes away and comes back."""

import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from server.adapters.postgres.embedded import EmbeddedPostgres
from server.adapters.postgres.engine import create_engine
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork, unit_of_work_factory
from server.errors import Reason, Unavailable


@pytest.fixture
def server() -> Iterator[EmbeddedPostgres]:
    folder = Path(tempfile.mkdtemp(prefix="kaiwa-engine-"))
    server = EmbeddedPostgres(folder, settings={"fsync": "off"})
    yield server
    server.stop()
    shutil.rmtree(folder)


async def one(uow: PostgresUnitOfWork, statement: str = "SELECT 1") -> object:
    async with uow:
        return (await uow.session.execute(text(statement))).scalar_one()


async def test_a_restart_of_the_database_fails_no_later_call(server: EmbeddedPostgres) -> None:
    engine = create_engine(server.start())
    unit_of_work = unit_of_work_factory(engine)
    assert await one(unit_of_work()) == 1
    server.stop()
    with pytest.raises(Unavailable) as caught:
        await one(unit_of_work())
    assert caught.value.reason is Reason.DATABASE_UNAVAILABLE
    assert caught.value.retry_after is not None
    server.start()
    assert await one(unit_of_work()) == 1
    await engine.dispose()


async def test_a_database_that_stops_in_mid_transaction_is_unavailable(server: EmbeddedPostgres) -> None:
    engine = create_engine(server.start())

    async def interrupted() -> None:
        async with unit_of_work_factory(engine)() as uow:
            await uow.session.execute(text("CREATE TABLE lost (id int)"))
            server.stop()
            await uow.commit()

    with pytest.raises(Unavailable):
        await interrupted()
    await engine.dispose()


async def test_a_slow_statement_is_given_up(database_url: str) -> None:
    engine = create_engine(database_url, statement_timeout=timedelta(milliseconds=20))
    with pytest.raises(Unavailable):
        await one(unit_of_work_factory(engine)(), "SELECT 1 FROM pg_sleep(60)")
    await engine.dispose()


async def test_a_database_that_does_not_exist_is_unavailable(database_url: str) -> None:
    engine = create_engine(database_url.replace("/test_", "/none_"))
    with pytest.raises(Unavailable):
        await one(unit_of_work_factory(engine)())
    await engine.dispose()


async def test_connections_carry_their_settings(database_url: str) -> None:
    engine = create_engine(f"{database_url}&options=-c%20work_mem%3D5MB", application_name="kaiwa-worker")
    unit_of_work = unit_of_work_factory(engine)
    shown = {
        name: await one(unit_of_work(), f"SHOW {name}")
        for name in ("TimeZone", "application_name", "statement_timeout", "lock_timeout", "work_mem")
    }
    assert shown == {
        "TimeZone": "UTC",
        "application_name": "kaiwa-worker",
        "statement_timeout": "15s",
        "lock_timeout": "5s",
        "work_mem": "5MB",
    }
    await engine.dispose()
