"""What is held of a user, read and erased in portions."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine

from server.adapters.postgres import queue
from server.adapters.postgres.holdings import JOBS, LEARNING
from server.adapters.postgres.holdings.held import PORTION
from server.adapters.postgres.tables import SettingsChangeRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork, snapshot_factory
from server.jobs.domain.kinds import JobKind
from server.kernel.identity import UserId
from tests.support.jobs import KEN, MIKA, with_two_accounts
from tests.support.kernel import NOON

Open = Callable[[], PostgresUnitOfWork]
CHANGES = next(document for document in LEARNING.documents if document.path == "learning/settings_changes")


async def changed(uow: PostgresUnitOfWork, user_id: UserId, count: int) -> list[str]:
    """That many changes of a user's settings; their ids in order."""
    ids = sorted(str(uuid.uuid4()) for _ in range(count))
    rows = [
        {"user_id": user_id, "id": each, "effective_at": NOON, "received_at": NOON, "changes": {}, "sequence": place}
        for place, each in enumerate(ids)
    ]
    await uow.session.execute(insert(SettingsChangeRow), rows)
    return ids


async def test_every_record_once_and_in_order(engine: AsyncEngine, unit_of_work: Open) -> None:
    await with_two_accounts(engine)
    async with unit_of_work() as uow:
        mikas = await changed(uow, MIKA, 2 * PORTION + 1)
        kens = await changed(uow, KEN, PORTION)
        portions = [portion async for portion in LEARNING.records(uow, MIKA, CHANGES)]
        assert [record["id"] for portion in portions for record in portion] == mikas
        assert [len(portion) for portion in portions] == [PORTION, PORTION, 1]
        assert set(portions[0][0]) == {column.name for column in SettingsChangeRow.__table__.columns}
        assert portions[0][0]["effective_at"] == "2026-11-23T12:00:00Z"
        others = [record["id"] async for portion in LEARNING.records(uow, KEN, CHANGES) for record in portion]
        assert others == kens
        assert await LEARNING.count(uow, MIKA) == 2 * PORTION + 1


async def test_a_snapshot_does_not_see_what_comes_meanwhile(engine: AsyncEngine, unit_of_work: Open) -> None:
    await with_two_accounts(engine)
    async with snapshot_factory(engine)() as snapshot:
        assert await LEARNING.count(snapshot, MIKA) == 0
        async with unit_of_work() as uow:
            await changed(uow, MIKA, 1)
            await uow.commit()
        assert await LEARNING.count(snapshot, MIKA) == 0


async def test_erasing_takes_so_many_at_once_and_only_the_users(engine: AsyncEngine, unit_of_work: Open) -> None:
    await with_two_accounts(engine)
    async with unit_of_work() as uow:
        await changed(uow, MIKA, 5)
        await changed(uow, KEN, 3)
        assert [await LEARNING.erase(uow, MIKA, 2) for _ in range(4)] == [2, 2, 1, 0]
        assert await LEARNING.count(uow, KEN) == 3


async def test_the_job_that_erases_is_spared_and_waiting_ones_leave_the_queue(engine: AsyncEngine) -> None:
    jobs = await with_two_accounts(engine)
    waits, deletion = await jobs.start(), await jobs.start(kind=JobKind.DELETION)
    kens = await jobs.start(KEN)
    jobs.clock.advance(timedelta(seconds=1))
    async with jobs.unit_of_work() as uow:
        assert await JOBS.erase(uow, MIKA, 10) == 1
        assert await JOBS.erase(uow, MIKA, 10) == 0
        await uow.commit()
    async with jobs.unit_of_work() as uow:
        assert await uow.jobs.lock(waits) is None
        assert await uow.jobs.lock(deletion) is not None
        assert await uow.jobs.lock(kens) is not None
        assert [await queue.is_queued(uow.session, each) for each in (waits, deletion, kens)] == [False, True, True]
