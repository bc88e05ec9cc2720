"""Imports and their files."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, func, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.documents import dump, load
from server.adapters.postgres.tables import ImportFileRow, ImportPartRow, ImportRow, JobRow
from server.content.domain.imports import (
    REQUIRED,
    FileRole,
    Import,
    ImportFile,
    ImportId,
    ImportKind,
    ImportOptions,
    ImportState,
    Problem,
    ProblemKind,
    Report,
)
from server.kernel.identity import UserId
from server.kernel.paging import Page, PageRequest

# Its job can have ended without a word to the import: cancelled while it waited, or given up.
_JOB_STATE = select(JobRow.state).where(JobRow.id == ImportRow.job_id).scalar_subquery()
_STATE = case(
    (ImportRow.state.not_in(("queued", "running")), ImportRow.state),
    (_JOB_STATE == "queued", "queued"),
    (_JOB_STATE.in_(("running", "cancelling")), "running"),
    (_JOB_STATE.in_(("succeeded", "failed")), _JOB_STATE),
    else_="cancelled",
)
_OPEN = ("awaiting_files", "ready", "queued", "running")
_COUNTING = 0x696D706F
"""The space of advisory locks for counting a user's imports."""


class PostgresImports:
    """Stores imports."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def add(self, new: Import) -> None:
        """Stores a new import without files."""
        await self._session.execute(
            insert(ImportRow).values(
                id=new.id, owner_id=new.owner_id, kind=new.kind.value, created_at=new.created_at, **_values(new)
            )
        )

    async def get(self, import_id: ImportId, owner_id: UserId | None) -> Import | None:
        """An import of this user, or with None of whomever."""
        return await self._one(import_id, owner_id, lock=False)

    async def lock(self, import_id: ImportId, owner_id: UserId | None) -> Import | None:
        """An import as it is now and stays, but for this transaction, until the transaction ends."""
        return await self._one(import_id, owner_id, lock=True)

    async def save(self, changed: Import) -> None:
        """Stores an import, all but its files."""
        await self._session.execute(update(ImportRow).where(ImportRow.id == changed.id).values(**_values(changed)))

    async def count_open(self, owner_id: UserId) -> int:
        """How many of a user's imports await their files or job. Until the transaction ends nobody else counts."""
        await self._session.execute(select(func.pg_advisory_xact_lock(_COUNTING, func.hashtext(owner_id))))
        query = select(func.count()).select_from(ImportRow).where(ImportRow.owner_id == owner_id, _STATE.in_(_OPEN))
        return (await self._session.execute(query)).scalar_one()

    async def find(self, owner_id: UserId, state: ImportState | None, page: PageRequest) -> Page[Import]:
        """A page of a user's imports, newest first, without the single problems of their reports."""
        query = (
            select(ImportRow, _STATE)
            .where(ImportRow.owner_id == owner_id)
            .order_by(ImportRow.created_at.desc(), ImportRow.id.desc())
            .limit(page.size + 1)
        )
        if state is not None:
            query = query.where(_STATE.in_([state.value]))
        if page.after is not None:
            at, last_id = page.after
            query = query.where(tuple_(ImportRow.created_at, ImportRow.id) < (datetime.fromisoformat(at), last_id))
        rows = (await self._session.execute(query)).all()
        shown = rows[: page.size]
        files = await self._files([row.id for row, _ in shown])
        items = tuple(_import(row, now, files.get(row.id, ()), problems=False) for row, now in shown)
        more = len(rows) > page.size
        return Page(items, (items[-1].created_at.isoformat(), items[-1].id) if more else None)

    async def begin_file(self, import_id: ImportId, file: ImportFile) -> None:
        """Puts a file without bytes in the place of the one of its role, whose parts are then nobody's."""
        await self.drop_file(import_id, file.role)
        await self._session.execute(
            insert(ImportFileRow).values(
                import_id=import_id,
                role=file.role.value,
                upload_id=file.upload_id,
                file_name=file.file_name,
                size_bytes=file.size_bytes,
            )
        )

    async def drop_file(self, import_id: ImportId, role: FileRole) -> None:
        """Takes a file away."""
        await self._session.execute(
            delete(ImportFileRow).where(ImportFileRow.import_id == import_id, ImportFileRow.role == role.value)
        )

    async def add_part(self, import_id: ImportId, file: ImportFile, size_bytes: int, object_key: str) -> bool:
        """Adds a part at the end of a file; False when the file's end is elsewhere meanwhile."""
        grown = await self._session.execute(
            update(ImportFileRow)
            .where(
                ImportFileRow.import_id == import_id,
                ImportFileRow.role == file.role.value,
                ImportFileRow.upload_id == file.upload_id,
                ImportFileRow.received_bytes == file.received_bytes,
            )
            .values(received_bytes=file.received_bytes + size_bytes)
            .returning(ImportFileRow.role)
        )
        if grown.scalar_one_or_none() is None:
            return False
        await self._session.execute(
            insert(ImportPartRow).values(
                import_id=import_id,
                role=file.role.value,
                start=file.received_bytes,
                size_bytes=size_bytes,
                object_key=object_key,
            )
        )
        return True

    async def complete_file(self, import_id: ImportId, file: ImportFile, sha256: str) -> None:
        """Says that a file is whole and what its digest is."""
        await self._session.execute(
            update(ImportFileRow)
            .where(
                ImportFileRow.import_id == import_id,
                ImportFileRow.role == file.role.value,
                ImportFileRow.upload_id == file.upload_id,
            )
            .values(sha256=bytes.fromhex(sha256))
        )

    async def parts(self, import_id: ImportId, role: FileRole) -> Sequence[str]:
        """The keys of a file's parts, in order."""
        query = (
            select(ImportPartRow.object_key)
            .where(ImportPartRow.import_id == import_id, ImportPartRow.role == role.value)
            .order_by(ImportPartRow.start)
        )
        return (await self._session.execute(query)).scalars().all()

    async def drop_parts(self, import_id: ImportId) -> None:
        """Lets go of the bytes of all files; their objects are then nobody's."""
        await self._session.execute(delete(ImportPartRow).where(ImportPartRow.import_id == import_id))

    async def _one(self, import_id: ImportId, owner_id: UserId | None, *, lock: bool) -> Import | None:
        query = select(ImportRow, _STATE).where(ImportRow.id == import_id).execution_options(populate_existing=True)
        if owner_id is not None:
            query = query.where(ImportRow.owner_id == owner_id)
        if lock:
            query = query.with_for_update(of=ImportRow)
        found = (await self._session.execute(query)).one_or_none()
        if found is None:
            return None
        row, state = found
        return _import(row, state, (await self._files([row.id])).get(row.id, ()))

    async def _files(self, import_ids: Sequence[str]) -> dict[str, list[ImportFile]]:
        query = (
            select(ImportFileRow)
            .where(ImportFileRow.import_id.in_(import_ids))
            .order_by(ImportFileRow.role)
            .execution_options(populate_existing=True)
        )
        files: dict[str, list[ImportFile]] = {}
        for row in (await self._session.execute(query)).scalars():
            file = ImportFile(
                FileRole(row.role),
                row.upload_id,
                row.file_name,
                row.size_bytes,
                row.received_bytes,
                "" if row.sha256 is None else row.sha256.hex(),
            )
            files.setdefault(row.import_id, []).append(file)
        return files


def _values(new: Import) -> dict[str, Any]:
    return {
        "state": new.state.value,
        "options": dump(new.options),
        "job_id": new.job_id,
        "position": new.position,
        "media_position": new.media_position,
        "report": None if new.report is None else dump(new.report),
        "failure": None if new.failure is None else dump(new.failure),
        "updated_at": new.updated_at,
        "started_at": new.started_at,
        "finished_at": new.finished_at,
        "expires_at": new.expires_at,
    }


def _import(row: ImportRow, state: str, files: Sequence[ImportFile], *, problems: bool = True) -> Import:
    kind = ImportKind(row.kind)
    failure = None if row.failure is None else load(Problem, row.failure)
    if state == "failed" and failure is None:
        what = "The job could not go on; start the import again."
        failure = Problem(ProblemKind.JOB_FAILED, REQUIRED[kind], what, fatal=True)
    report = row.report if problems or row.report is None else {**row.report, "problems": []}
    return Import(
        id=ImportId(row.id),
        owner_id=UserId(row.owner_id),
        kind=kind,
        state=ImportState(state),
        options=load(ImportOptions, row.options),
        created_at=row.created_at,
        updated_at=row.updated_at,
        files=tuple(files),
        job_id=row.job_id,
        position=row.position,
        media_position=row.media_position,
        report=None if report is None else load(Report, report),
        failure=failure,
        started_at=row.started_at,
        finished_at=row.finished_at,
        expires_at=row.expires_at,
    )
