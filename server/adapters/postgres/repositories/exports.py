"""Archives of exports, and the jobs that make them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from server.accounts.domain.export import Export, FoundExport
from server.adapters.postgres.tables import ExportRow, JobRow
from server.jobs.domain.job import JobState
from server.jobs.domain.kinds import JobKind
from server.kernel.identity import UserId

_ENDING = (JobState.QUEUED.value, JobState.RUNNING.value)


class PostgresExports:
    """Stores archives."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def begun_since(self, user_id: UserId, since: datetime) -> Sequence[datetime]:
        """When the user's exports were asked for since a time, the oldest first."""
        query = (
            select(JobRow.created_at)
            .where(JobRow.user_id == user_id, JobRow.kind == JobKind.EXPORT.value, JobRow.created_at > since)
            .order_by(JobRow.created_at)
        )
        return (await self._session.execute(query)).scalars().all()

    async def unfinished(self, user_id: UserId, *, omit_audio: bool) -> str | None:
        """The job of an export with these contents that is queued or running."""
        query = (
            select(JobRow.id)
            .where(
                JobRow.user_id == user_id,
                JobRow.kind == JobKind.EXPORT.value,
                JobRow.state.in_(_ENDING),
                JobRow.input["omit_audio"].as_boolean() == omit_audio,
            )
            .order_by(JobRow.created_at)
            .limit(1)
        )
        return (await self._session.execute(query)).scalar_one_or_none()

    async def find(self, user_id: UserId, job_id: str) -> FoundExport | None:
        """An export of this user's, as far as it is known."""
        job = (
            await self._session.execute(
                select(JobRow.state, JobRow.expires_at).where(
                    JobRow.id == job_id, JobRow.user_id == user_id, JobRow.kind == JobKind.EXPORT.value
                )
            )
        ).one_or_none()
        query = select(ExportRow).where(ExportRow.job_id == job_id, ExportRow.user_id == user_id)
        row = (await self._session.execute(query.execution_options(populate_existing=True))).scalar_one_or_none()
        if job is None and row is None:
            return None
        state, expires_at = (None, None) if job is None else job
        return FoundExport(state, expires_at, None if row is None else _export(row))

    async def add(self, export: Export) -> None:
        """Stores an archive."""
        await self._session.execute(
            insert(ExportRow).values(
                job_id=export.job_id,
                user_id=export.user_id,
                object_key=export.key,
                size_bytes=export.size_bytes,
                sha256=export.sha256,
                created_at=export.created_at,
                deleted_at=export.deleted_at,
            )
        )


def _export(row: ExportRow) -> Export:
    return Export(
        job_id=row.job_id,
        user_id=UserId(row.user_id),
        key=row.object_key,
        size_bytes=row.size_bytes,
        sha256=bytes(row.sha256),
        created_at=row.created_at,
        deleted_at=row.deleted_at,
    )
