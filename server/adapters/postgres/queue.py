"""Hands jobs to procrastinate's queue, in the transaction of whoever asks."""

from __future__ import annotations

from datetime import datetime

import psycopg
from procrastinate import PsycopgConnector
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from sqlalchemy import ColumnElement, Text, cast, column, exists, literal, select, table, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

SCHEMA = "procrastinate"
QUEUE = "jobs"
TASK = "run_job"
"""The task that workers run, with the job's id as `job_id`."""

# Never opened: it is given a connection with every call.
_MANAGER = JobManager(PsycopgConnector())
PATH = text("SELECT set_config('search_path', current_setting('search_path') || ', procrastinate', true)")
"""Lets procrastinate's SQL, which names nothing by schema, find its tables until the transaction ends."""
_QUEUED = table("procrastinate_jobs", column("queueing_lock"), column("status"), schema=SCHEMA)


def waiting(job_id: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Whether a job waits in the queue, as a condition."""
    return exists().where(_QUEUED.c.queueing_lock == cast(job_id, Text), _QUEUED.c.status == text("'todo'"))


async def is_queued(session: AsyncSession, job_id: str) -> bool:
    """Whether a job waits in the queue."""
    return bool((await session.execute(select(waiting(literal(job_id))))).scalar_one())


async def queue(session: AsyncSession, job_id: str, due_at: datetime) -> None:
    """Queues a job that is not queued yet; workers see it once the session's transaction is committed."""
    connection = await session.connection()
    raw = (await connection.get_raw_connection()).driver_connection
    if not isinstance(raw, psycopg.AsyncConnection):
        raise TypeError("the queue needs psycopg's own connection")
    await session.execute(PATH)
    await _MANAGER.defer_job_async(
        Job(
            queue=QUEUE,
            task_name=TASK,
            lock=None,
            queueing_lock=job_id,
            task_kwargs={"job_id": job_id},
            scheduled_at=due_at,
        ),
        connection=raw,
    )
