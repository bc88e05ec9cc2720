"""What a worker tidies up, on a real PostgreSQL."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from server.adapters.postgres.engine import create_engine
from server.adapters.postgres.maintenance import PostgresMaintenance
from server.adapters.postgres.tables import (
    AttemptRow,
    IdempotencyKeyRow,
    JobRow,
    OneTimeTokenRow,
    RefreshTokenRow,
    SessionRow,
    SpeakingSessionRow,
)
from server.errors import Reason, Unavailable
from server.jobs.domain.job import KEPT
from tests.support.jobs import with_two_accounts
from tests.support.kernel import NOON
from tests.support.processes import free_port
from tests.support.rows import add_user

HOUR = timedelta(hours=1)


async def add_session(session: AsyncSession, user_id: str, expires_at: datetime) -> str:
    session_id = str(uuid.uuid4())
    times = {"created_at": NOON - 100 * HOUR, "refreshed_at": NOON - 100 * HOUR, "expires_at": expires_at}
    await session.execute(insert(SessionRow).values(id=session_id, user_id=user_id, **times))
    return session_id


async def add_refresh_token(session: AsyncSession, session_id: str, expires_at: datetime) -> None:
    await session.execute(
        insert(RefreshTokenRow).values(
            id=str(uuid.uuid4()),
            session_id=session_id,
            token_hash=uuid.uuid4().bytes * 2,
            issued_at=NOON - 100 * HOUR,
            expires_at=expires_at,
        )
    )


async def add_speaking_session(session: AsyncSession, user_id: str, started_at: datetime, *attempts: datetime) -> str:
    session_id = str(uuid.uuid4())
    await session.execute(insert(SpeakingSessionRow).values(id=session_id, user_id=user_id, started_at=started_at))
    for at in attempts:
        await session.execute(
            insert(AttemptRow).values(
                id=str(uuid.uuid4()),
                practice_id=str(uuid.uuid4()),
                user_id=user_id,
                speaking_session_id=session_id,
                fingerprint="x",
                audio_seconds=1.0,
                created_at=at,
                updated_at=at,
            )
        )
    return session_id


async def count(engine: AsyncEngine, table: type[SessionRow] | type[RefreshTokenRow] | type[IdempotencyKeyRow]) -> int:
    async with AsyncSession(engine) as session:
        return (await session.execute(select(func.count()).select_from(table))).scalar_one()


async def test_expired_sessions_go_with_their_tokens(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session, session.begin():
        user_id = await add_user(session)
        over = await add_session(session, user_id, NOON - HOUR)
        going_on = await add_session(session, user_id, NOON + HOUR)
        await add_refresh_token(session, over, NOON - HOUR)
        await add_refresh_token(session, going_on, NOON + HOUR)
    assert await PostgresMaintenance(engine).delete_expired_sessions(NOON) == 1
    assert (await count(engine, SessionRow), await count(engine, RefreshTokenRow)) == (1, 1)


async def test_expired_tokens_of_a_session_that_goes_on(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session, session.begin():
        going_on = await add_session(session, await add_user(session), NOON + HOUR)
        await add_refresh_token(session, going_on, NOON - HOUR)
        await add_refresh_token(session, going_on, NOON + HOUR)
    assert await PostgresMaintenance(engine).delete_expired_refresh_tokens(NOON) == 1
    assert (await count(engine, SessionRow), await count(engine, RefreshTokenRow)) == (1, 1)


async def test_tokens_that_were_mailed_go_when_they_have_run_out(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session, session.begin():
        user_id = await add_user(session)
        for life in (-HOUR, HOUR):
            await session.execute(
                insert(OneTimeTokenRow).values(
                    id=str(uuid.uuid4()),
                    user_id=user_id,
                    purpose="verify_email",
                    token_hash=uuid.uuid4().bytes * 2,
                    email="mika@example.org",
                    issued_at=NOON - 2 * HOUR,
                    expires_at=NOON + life,
                )
            )

    assert await PostgresMaintenance(engine).delete_expired_mailed_tokens(NOON) == 1

    async with AsyncSession(engine) as session:
        assert (await session.execute(select(OneTimeTokenRow.expires_at))).scalars().all() == [NOON + HOUR]


async def test_old_answers_are_forgotten(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session, session.begin():
        user_id = await add_user(session)
        for at in (NOON - HOUR, NOON + HOUR):
            await session.execute(
                insert(IdempotencyKeyRow).values(
                    user_id=user_id,
                    method="/a.B/C",
                    request_id=str(uuid.uuid4()),
                    body_hash=bytes(32),
                    response=b"",
                    created_at=at,
                )
            )
    assert await PostgresMaintenance(engine).forget_answers(NOON) == 1
    assert await count(engine, IdempotencyKeyRow) == 1


async def test_expired_jobs_are_deleted(engine: AsyncEngine) -> None:
    jobs = await with_two_accounts(engine)
    over, fresh, waiting = [await jobs.start() for _ in range(3)]
    await jobs.put((await jobs.job(over)).cancelled(NOON - KEPT - HOUR))
    await jobs.put((await jobs.job(fresh)).cancelled(NOON - KEPT + HOUR))
    assert await PostgresMaintenance(engine).delete_expired_jobs(NOON) == 1
    async with AsyncSession(engine) as session:
        assert set((await session.execute(select(JobRow.id))).scalars()) == {fresh, waiting}


async def test_deliveries_of_dead_workers_are_forgotten(engine: AsyncEngine) -> None:
    jobs = await with_two_accounts(engine)
    for _ in range(4):
        await jobs.start()
    async with engine.begin() as connection:
        await connection.execute(text("SET LOCAL search_path TO procrastinate"))
        for at in (NOON - HOUR, NOON + HOUR):
            await connection.execute(
                text("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (:at)"), {"at": at}
            )
        found = await connection.execute(text("SELECT id FROM procrastinate_workers ORDER BY last_heartbeat"))
        dead, alive = found.scalars()
        for number, worker in ((1, dead), (2, alive), (3, None)):
            await connection.execute(
                text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :worker WHERE id = :number"),
                {"number": number, "worker": worker},
            )
    assert await PostgresMaintenance(engine).forget_dead_deliveries(NOON) == 2
    async with engine.connect() as connection:
        left = await connection.execute(text("SELECT id FROM procrastinate.procrastinate_jobs ORDER BY id"))
        assert list(left.scalars()) == [2, 4]


async def test_forgotten_speaking_sessions_end_at_their_last_attempt(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session, session.begin():
        user_id = await add_user(session)
        spoken = await add_speaking_session(session, user_id, NOON - 9 * HOUR, NOON - 8 * HOUR, NOON - 7 * HOUR)
        silent = await add_speaking_session(session, user_id, NOON - 9 * HOUR)
        busy = await add_speaking_session(session, user_id, NOON - 9 * HOUR, NOON + HOUR)
        fresh = await add_speaking_session(session, user_id, NOON + HOUR)
    maintenance = PostgresMaintenance(engine)
    assert await maintenance.end_forgotten_speaking_sessions(NOON) == 2
    async with AsyncSession(engine) as session:
        rows = await session.execute(select(SpeakingSessionRow.id, SpeakingSessionRow.ended_at))
        ends = {session_id: ended_at for session_id, ended_at in rows}
    assert ends == {spoken: NOON - 7 * HOUR, silent: NOON - 9 * HOUR, busy: None, fresh: None}
    assert await maintenance.end_forgotten_speaking_sessions(NOON) == 0


async def test_a_database_that_is_away() -> None:
    engine = create_engine(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing")
    with pytest.raises(Unavailable) as raised:
        await PostgresMaintenance(engine).forget_answers(NOON)
    assert raised.value.reason is Reason.DATABASE_UNAVAILABLE
    await engine.dispose()
