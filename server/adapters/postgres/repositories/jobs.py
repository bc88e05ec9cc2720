"""Background jobs."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres import queue
from server.adapters.postgres.documents import dump, load
from server.adapters.postgres.tables import JobRow
from server.jobs.domain.job import Failure, Farewell, Job, JobState, Progress
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import RESULT_OF
from server.jobs.ports import JobFilter
from server.kernel.identity import UserId
from server.kernel.paging import Page, PageRequest

CHANNEL = "kaiwa_jobs"
"""Where changes are notified, with the job's id; behind it, of one that is no more, how it ended."""

_RUNS = (JobState.RUNNING.value, JobState.CANCELLING.value)
_FINAL = tuple(state.value for state in JobState if state.final)
_COUNTING = 0x6A6F6273
"""The space of advisory locks for counting a user's jobs."""


class PostgresJobs:
    """Stores jobs; every change is notified to whoever watches the job, in whichever process."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, job: Job) -> None:
        """Stores a new job and queues it, in this transaction."""
        await self._session.execute(
            insert(JobRow).values(
                id=job.id,
                user_id=job.user_id,
                kind=job.kind.value,
                input=dict(job.input),
                subject_id=job.subject_id,
                created_at=job.created_at,
                **_values(job),
            )
        )
        await queue.queue(self._session, job.id, job.due_at)

    async def get(self, user_id: UserId, job_id: str, now: datetime) -> Job | None:
        """A job of this user that has not expired."""
        query = (
            select(JobRow)
            .where(JobRow.id == job_id, JobRow.user_id == user_id, _known(now))
            .execution_options(populate_existing=True)
        )
        row = (await self._session.execute(query)).scalar_one_or_none()
        return None if row is None else _job(row)

    async def list(self, user_id: UserId, wanted: JobFilter, page: PageRequest, now: datetime) -> Page[Job]:
        """The user's jobs that have not expired, newest first, without their results."""
        columns = [column for column in JobRow.__table__.columns if column.name != "result"]
        query = (
            select(*columns)
            .where(JobRow.user_id == user_id, _known(now))
            .order_by(JobRow.created_at.desc(), JobRow.id.desc())
            .limit(page.size + 1)
        )
        if wanted.kinds:
            query = query.where(JobRow.kind.in_([kind.value for kind in wanted.kinds]))
        if wanted.states:
            query = query.where(JobRow.state.in_([state.value for state in wanted.states]))
        if page.after is not None:
            at, job_id = page.after
            query = query.where(tuple_(JobRow.created_at, JobRow.id) < (datetime.fromisoformat(at), job_id))
        rows = (await self._session.execute(query)).all()
        items = tuple(_job(row) for row in rows[: page.size])
        more = len(rows) > page.size
        return Page(items, (items[-1].created_at.isoformat(), items[-1].id) if more else None)

    async def count_unfinished(self, user_id: UserId) -> int:
        """How many of the user's jobs have not ended. Until the transaction ends nobody else can count them."""
        await self._session.execute(select(func.pg_advisory_xact_lock(_COUNTING, func.hashtext(user_id))))
        query = select(func.count()).select_from(JobRow).where(JobRow.user_id == user_id, JobRow.state.not_in(_FINAL))
        return (await self._session.execute(query)).scalar_one()

    async def latest_unfinished(self, user_id: UserId, kind: JobKind) -> str | None:
        """The id of the user's latest job of a kind that has not ended."""
        query = (
            select(JobRow.id)
            .where(JobRow.user_id == user_id, JobRow.kind == kind.value, JobRow.state.not_in(_FINAL))
            .order_by(JobRow.created_at.desc(), JobRow.id.desc())
            .limit(1)
        )
        return (await self._session.execute(query)).scalar_one_or_none()

    async def lock(self, job_id: str) -> Job | None:
        """A job as it is now and stays, but for this transaction, until the transaction ends."""
        query = select(JobRow).where(JobRow.id == job_id).with_for_update().execution_options(populate_existing=True)
        row = (await self._session.execute(query)).scalar_one_or_none()
        return None if row is None else _job(row)

    async def save(self, job: Job) -> None:
        """Stores a locked job's next step; one that is queued is handed to the workers again, for its due time."""
        # By the database's clock: workers' own may differ.
        alive = func.clock_timestamp() if job.state.value in _RUNS else JobRow.heartbeat_at
        await self._session.execute(
            update(JobRow)
            .where(JobRow.id == job.id)
            .values(**_values(job), heartbeat_at=alive)
            .execution_options(synchronize_session=False)
        )
        if job.state is JobState.QUEUED and not await queue.is_queued(self._session, job.id):
            await queue.queue(self._session, job.id, job.due_at)
        await self._notify(job.id)

    async def beat(self, job_id: str, attempt: int, progress: Progress, now: datetime) -> JobState | None:
        """Says that an attempt is alive and how far it is; progress that is behind what is stored changes nothing.

        Returns:
            The job's state; None when the attempt is no longer the one that runs the job.
        """
        query = select(JobRow).where(JobRow.id == job_id, JobRow.attempts == attempt, JobRow.state.in_(_RUNS))
        row = (
            await self._session.execute(query.with_for_update().execution_options(populate_existing=True))
        ).scalar_one_or_none()
        if row is None:
            return None
        stored = Progress(row.done, row.total, row.stage)
        latest = stored.advanced(progress)
        values: dict[str, Any] = {"heartbeat_at": func.clock_timestamp()}
        if latest != stored:
            values |= {"done": latest.done, "total": latest.total, "stage": latest.stage, "updated_at": now}
            await self._notify(job_id)
        await self._session.execute(
            update(JobRow).where(JobRow.id == job_id).values(**values).execution_options(synchronize_session=False)
        )
        return JobState(row.state)

    async def announce(self, job_id: str, farewell: Farewell) -> None:
        """Tells those who watch a job how it ended, when this transaction removes it."""
        await self._notify(f"{job_id} {_farewell_text(farewell)}")

    async def lock_unfinished(self, user_id: UserId) -> Sequence[Job]:
        """Locks the user's jobs that have not ended, the oldest first."""
        query = (
            select(JobRow)
            .where(JobRow.user_id == user_id, JobRow.state.not_in(_FINAL))
            .order_by(JobRow.created_at, JobRow.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        return [_job(row) for row in (await self._session.execute(query)).scalars()]

    async def lock_stalled(self, silent_for: timedelta, limit: int) -> Sequence[Job]:
        """Locks jobs whose attempts have been silent for so long, those that nobody else holds."""
        query = (
            select(JobRow)
            .where(JobRow.state.in_(_RUNS), JobRow.heartbeat_at <= func.clock_timestamp() - silent_for)
            .order_by(JobRow.heartbeat_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
            .execution_options(populate_existing=True)
        )
        return [_job(row) for row in (await self._session.execute(query)).scalars()]

    async def queue_lost(self, overdue_since: datetime, limit: int) -> int:
        """Queues jobs again that wait, were due before then, and are in no worker's queue; returns how many."""
        query = (
            select(JobRow.id, JobRow.due_at)
            .where(JobRow.state == JobState.QUEUED.value, JobRow.due_at < overdue_since)
            .where(~queue.waiting(JobRow.id))
            .order_by(JobRow.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        lost = (await self._session.execute(query)).all()
        for job_id, due_at in lost:
            await queue.queue(self._session, job_id, due_at)
        return len(lost)

    async def _notify(self, payload: str) -> None:
        await self._session.execute(select(func.pg_notify(CHANNEL, payload)))


def read_notification(payload: str) -> tuple[str, Farewell | None]:
    """The id of the job that a notification is about, and how it ended if it is no more."""
    job_id, _, text = payload.partition(" ")
    if not text:
        return job_id, None
    told = json.loads(text)
    kind = JobKind(told["kind"])
    return job_id, Farewell(
        datetime.fromisoformat(told["ended_at"]),
        told["attempts"],
        load(Progress, told["progress"]),
        load(RESULT_OF[kind], told["result"]),
    )


def _farewell_text(farewell: Farewell) -> str:
    (kind,) = (kind for kind, result in RESULT_OF.items() if isinstance(farewell.result, result))
    told = {
        "kind": kind.value,
        "ended_at": farewell.ended_at.isoformat(),
        "attempts": farewell.attempts,
        "progress": dump(farewell.progress),
        "result": dump(farewell.result),
    }
    return json.dumps(told)


def _known(now: datetime) -> ColumnElement[bool]:
    return JobRow.expires_at.is_(None) | (JobRow.expires_at > now)


def _values(job: Job) -> dict[str, Any]:
    """What changes in the life of a job."""
    return {
        "state": job.state.value,
        "done": job.progress.done,
        "total": job.progress.total,
        "checkpoint": dict(job.checkpoint),
        "stage": job.progress.stage,
        "attempts": job.attempts,
        "max_attempts": job.max_attempts,
        "due_at": job.due_at,
        "started_at": job.started_at,
        "cancel_requested_at": job.cancel_requested_at,
        "ended_at": job.ended_at,
        "updated_at": job.updated_at,
        "expires_at": job.expires_at,
        "failure": None if job.failure is None else dump(job.failure),
        "result": None if job.result is None else dump(job.result),
    }


def _job(row: Any) -> Job:
    kind = JobKind(row.kind)
    result = getattr(row, "result", None)
    arguments: Mapping[str, object] = row.input
    return Job(
        id=row.id,
        user_id=UserId(row.user_id),
        kind=kind,
        created_at=row.created_at,
        due_at=row.due_at,
        updated_at=row.updated_at,
        max_attempts=row.max_attempts,
        input=arguments,
        checkpoint=row.checkpoint,
        subject_id=row.subject_id,
        state=JobState(row.state),
        progress=Progress(row.done, row.total, row.stage),
        attempts=row.attempts,
        started_at=row.started_at,
        cancel_requested_at=row.cancel_requested_at,
        ended_at=row.ended_at,
        expires_at=row.expires_at,
        failure=None if row.failure is None else load(Failure, row.failure),
        result=None if result is None else load(RESULT_OF[kind], result),
    )
