"""Transactions: what is committed stays, what is not goes, and a failing database has one meaning."""

import asyncio
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine

from server.adapters.postgres.failures import violated
from server.adapters.postgres.tables import SettingsChangeRow, UserRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.errors import Aborted, InvalidInput, Reason, Unavailable
from tests.support.rows import add_user

Open = Callable[[], PostgresUnitOfWork]

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)


async def count_users(unit_of_work: Open) -> int:
    async with unit_of_work() as uow:
        return (await uow.session.execute(select(func.count()).select_from(UserRow))).scalar_one()


async def test_what_is_committed_stays(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        await add_user(uow.session)
        await uow.commit()
    assert await count_users(unit_of_work) == 1


async def test_what_is_not_committed_goes(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        await add_user(uow.session)
    assert await count_users(unit_of_work) == 0


async def test_an_error_rolls_back_and_passes_through(unit_of_work: Open) -> None:
    async def fail() -> None:
        async with unit_of_work() as uow:
            await add_user(uow.session)
            raise LookupError("ours")

    with pytest.raises(LookupError, match="ours"):
        await fail()
    assert await count_users(unit_of_work) == 0


async def test_cancellation_gives_the_connection_back(unit_of_work: Open, engine: AsyncEngine) -> None:
    entered = asyncio.Event()

    async def wait() -> None:
        async with unit_of_work() as uow:
            await add_user(uow.session)
            entered.set()
            await uow.session.execute(text("SELECT pg_sleep(60)"))

    task = asyncio.create_task(wait())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count_users(unit_of_work) == 0
    assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_is_for_one_transaction(unit_of_work: Open) -> None:
    uow = unit_of_work()
    with pytest.raises(RuntimeError, match="inside"):
        _ = uow.session
    async with uow:
        pass
    with pytest.raises(RuntimeError, match="one transaction"):
        await uow.__aenter__()


async def test_times_come_back_aware_and_in_utc(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        await add_user(uow.session, created_at=NOW)
        created = (await uow.session.execute(select(UserRow.created_at))).scalar_one()
    assert created == NOW
    assert created.utcoffset() == UTC.utcoffset(None)


async def test_a_violated_constraint_is_named(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        await add_user(uow.session, email="Mika@example.org")
        with pytest.raises(IntegrityError) as caught:
            await add_user(uow.session, email="mika@EXAMPLE.org", username="other")
    assert violated(caught.value) == "uq_users_email_lower"


async def test_a_deadlock_is_a_concurrent_change(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        one = await add_user(uow.session, email="a@example.org", username="one")
        other = await add_user(uow.session, email="b@example.org", username="other")
        await uow.commit()
    both_hold_one = asyncio.Barrier(2)

    async def change(first: str, second: str) -> None:
        async with unit_of_work() as uow:
            await uow.session.execute(update(UserRow).where(UserRow.id == first).values(level=2))
            await both_hold_one.wait()
            await uow.session.execute(update(UserRow).where(UserRow.id == second).values(level=2))
            await uow.commit()

    results = await asyncio.gather(change(one, other), change(other, one), return_exceptions=True)
    [lost] = [result for result in results if result is not None]
    assert isinstance(lost, Aborted)
    assert lost.reason is Reason.CONCURRENT_CHANGE


async def test_a_serialization_failure_is_a_concurrent_change(unit_of_work: Open) -> None:
    async with unit_of_work() as uow:
        user = await add_user(uow.session)
        await uow.commit()

    async def clash() -> None:
        async with unit_of_work() as uow:
            await uow.session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            await uow.session.execute(select(UserRow))
            async with unit_of_work() as other:
                await other.session.execute(update(UserRow).where(UserRow.id == user).values(level=2))
                await other.commit()
            await uow.session.execute(update(UserRow).where(UserRow.id == user).values(level=3))

    with pytest.raises(Aborted) as caught:
        await clash()
    assert caught.value.reason is Reason.CONCURRENT_CHANGE


async def test_a_character_that_cannot_be_stored_is_the_callers_mistake(unit_of_work: Open) -> None:
    some_id = str(uuid.uuid4())

    async def store_json(value: object) -> None:
        async with unit_of_work() as uow:
            await uow.session.execute(insert(SettingsChangeRow).values(user_id=some_id, id=some_id, changes=value))

    async def store_text() -> None:
        async with unit_of_work() as uow:
            await add_user(uow.session, username="mi\0ka")

    for mistake in (store_json({"title": "mi\0ka"}), store_text()):
        with pytest.raises(InvalidInput):
            await mistake


async def test_our_own_mistakes_stay_what_they_are(unit_of_work: Open) -> None:
    async def mistake() -> None:
        async with unit_of_work() as uow:
            await uow.session.execute(insert(UserRow).values(id="no uuid"))

    with pytest.raises(Exception, match="InvalidTextRepresentation") as caught:
        await mistake()
    assert not isinstance(caught.value, Unavailable)
