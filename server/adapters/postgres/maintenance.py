"""What a worker tidies up in all accounts."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Delete,
    Executable,
    Update,
    column,
    delete,
    exists,
    func,
    select,
    table,
    text,
    true,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from server.adapters.postgres import queue
from server.adapters.postgres.failures import translate
from server.adapters.postgres.tables import (
    AttemptRow,
    AudioFileRow,
    ExportRow,
    IdempotencyKeyRow,
    ImportPartRow,
    ImportRow,
    JobRow,
    OneTimeTokenRow,
    RefreshTokenRow,
    SessionRow,
    SpeakingSessionRow,
)

_QUEUE = table("procrastinate_jobs", column("worker_id"), column("status"), schema=queue.SCHEMA)
_WORKERS = table("procrastinate_workers", column("id"), column("last_heartbeat"), schema=queue.SCHEMA)


class PostgresMaintenance:
    """Tidies up; each method is a transaction of its own, so workers may do the same at once."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def delete_expired_sessions(self, before: datetime) -> int:
        """Deletes sign-in sessions that ran out before a time, with their refresh tokens; returns how many."""
        return await self._execute(delete(SessionRow).where(SessionRow.expires_at < before))

    async def delete_expired_refresh_tokens(self, before: datetime) -> int:
        """Deletes refresh tokens that ran out before a time, of sessions that go on; returns how many."""
        return await self._execute(delete(RefreshTokenRow).where(RefreshTokenRow.expires_at < before))

    async def delete_expired_mailed_tokens(self, before: datetime) -> int:
        """Deletes tokens that were mailed and ran out before a time; returns how many."""
        return await self._execute(delete(OneTimeTokenRow).where(OneTimeTokenRow.expires_at < before))

    async def forget_answers(self, before: datetime) -> int:
        """Deletes the first answers to requests that came before a time; returns how many."""
        return await self._execute(delete(IdempotencyKeyRow).where(IdempotencyKeyRow.created_at < before))

    async def end_forgotten_speaking_sessions(self, before: datetime) -> int:
        """Ends open speaking sessions without an attempt since a time, at their last attempt; returns how many."""
        last_attempt = (
            select(func.max(AttemptRow.created_at))
            .where(AttemptRow.speaking_session_id == SpeakingSessionRow.id)
            .scalar_subquery()
        )
        # GREATEST passes over null: a session without attempts ended when it started.
        last = func.greatest(last_attempt, SpeakingSessionRow.started_at)
        forgotten = (SpeakingSessionRow.ended_at.is_(None), SpeakingSessionRow.started_at < before, last < before)
        return await self._execute(update(SpeakingSessionRow).where(*forgotten).values(ended_at=last))

    async def delete_expired_jobs(self, before: datetime) -> int:
        """Deletes jobs that expired before a time, but those whose archive is still there; returns how many."""
        archive = exists().where(ExportRow.job_id == JobRow.id, ExportRow.deleted_at.is_(None))
        return await self._execute(delete(JobRow).where(JobRow.expires_at < before, ~archive))

    async def expire_imports(self, before: datetime) -> int:
        """Lets go of the files of imports that were to be started before a time and were not; returns how many."""
        waiting = ("awaiting_files", "ready", "failed", "cancelled")
        expired = (
            update(ImportRow)
            .where(ImportRow.expires_at < before, ImportRow.state.in_(waiting))
            .values(state="expired", failure=None, expires_at=None)
        )
        done = await self._execute(expired)
        await self._execute(
            delete(ImportPartRow).where(
                ImportPartRow.import_id.in_(select(ImportRow.id).where(ImportRow.state == "expired"))
            )
        )
        return done

    async def forget_recordings_of_nothing(self, before: datetime) -> int:
        """Deletes rows of recordings from before a time whose sentence is gone; returns how many."""
        return await self._execute(
            delete(AudioFileRow).where(
                AudioFileRow.sentence_id.is_(None),
                AudioFileRow.user_id.is_(None),
                AudioFileRow.object_key.startswith("recordings/"),
                AudioFileRow.created_at < before,
            )
        )

    async def named_among(self, keys: Collection[str]) -> Collection[str]:
        """Those of the keys of the object store that a row names."""
        query = union_all(
            select(AudioFileRow.object_key).where(AudioFileRow.object_key.in_(keys)),
            select(ImportPartRow.object_key).where(ImportPartRow.object_key.in_(keys)),
        )
        return {row[0] for row in await self._read(query)}

    async def expired_exports(self, before: datetime, limit: int) -> Sequence[tuple[str, str]]:
        """Job and key of archives that are there, though their job expired before a time or is forgotten."""
        going_on = exists().where(JobRow.id == ExportRow.job_id, func.coalesce(JobRow.expires_at >= before, true()))
        query = select(ExportRow.job_id, ExportRow.object_key).where(ExportRow.deleted_at.is_(None), ~going_on)
        return [(row[0], row[1]) for row in await self._read(query.limit(limit))]

    async def mark_export_deleted(self, job_id: str) -> None:
        """Notes that an archive has been deleted."""
        await self._execute(update(ExportRow).where(ExportRow.job_id == job_id).values(deleted_at=func.now()))

    async def exports_among(self, keys: Collection[str]) -> Collection[str]:
        """Those of the keys that an archive has that is there."""
        query = select(ExportRow.object_key).where(ExportRow.object_key.in_(keys), ExportRow.deleted_at.is_(None))
        return {row[0] for row in await self._read(query)}

    async def forget_exports(self, before: datetime) -> int:
        """Forgets archives that were deleted before a time; returns how many."""
        return await self._execute(delete(ExportRow).where(ExportRow.deleted_at < before))

    async def forget_dead_deliveries(self, before: datetime) -> int:
        """Takes out of the queue what workers were at that have been silent since a time; returns how many.

        Whether the job goes on is decided by its own row, not by the queue's.
        """
        alive = exists().where(_WORKERS.c.id == _QUEUE.c.worker_id, _WORKERS.c.last_heartbeat >= before)
        return await self._execute(delete(_QUEUE).where(_QUEUE.c.status == text("'doing'"), ~alive))

    async def _read(self, query: Executable) -> Sequence[Any]:
        try:
            async with self._engine.connect() as connection:
                found: Sequence[Any] = (await connection.execute(query)).all()
        except Exception as error:
            if (meaning := translate(error)) is not None:
                raise meaning from error
            raise
        return found

    async def _execute(self, statement: Delete | Update) -> int:
        try:
            async with self._engine.begin() as connection:
                # The queue's triggers name nothing by schema.
                await connection.execute(queue.PATH)
                result = await connection.execute(statement)
        except Exception as error:
            if (meaning := translate(error)) is not None:
                raise meaning from error
            raise
        return result.rowcount
