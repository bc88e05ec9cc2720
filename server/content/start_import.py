"""StartImport: queues the job that imports, or lets it go on after a cancelled or failed one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Generic

from server.content.domain.imports import (
    Import,
    ImportId,
    ImportOptions,
    ImportState,
    check_options,
    files_missing,
    import_not_found,
    wrong_state,
)
from server.content.domain.spaces import owner_in
from server.content.import_options import cleaned
from server.content.ports.imports import StartImportJob, U
from server.errors import InvalidInput
from server.kernel.clock import Clock
from server.kernel.identity import Caller

_METHOD = "/kaiwa.content.v1.ContentService/StartImport"


class StartImport(Generic[U]):
    """Starts imports.

    Args:
        unit_of_work: opens a transaction.
        start_job: queues the job.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: Callable[[], U], start_job: StartImportJob[U], clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._start_job = start_job
        self._clock = clock

    async def __call__(
        self,
        caller: Caller,
        import_id: ImportId,
        options: ImportOptions | None,
        repeat: tuple[str, bytes] | None = None,
    ) -> tuple[str, Import]:
        """The job's id and the import.

        Args:
            options: in the place of the import's own; None: those.
            repeat: the client's request id and a digest of the request.

        Raises:
            NotFound: IMPORT_NOT_FOUND.
            FailedPrecondition: IMPORT_WRONG_STATE, IMPORT_FILES_MISSING.
            InvalidInput: INVALID_FIELD, IMPORT_MAPPING_INVALID.
            PermissionDenied: SHARED_CONTENT_NEEDS_TEACHER.
            ResourceExhausted: TOO_MANY_JOBS.
            AlreadyExists: REQUEST_ID_REUSED.
        """
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            if repeat is not None:
                first = await uow.idempotency.claim(caller.user_id, _METHOD, repeat[0], repeat[1], now)
                if first is not None:
                    current = await uow.imports.get(import_id, caller.user_id)
                    if current is None:
                        raise import_not_found(import_id)
                    return first.decode(), current
            found = await uow.imports.lock(import_id, caller.user_id)
            if found is None:
                raise import_not_found(import_id)
            if found.state in (ImportState.QUEUED, ImportState.RUNNING) and found.job_id is not None:
                started = found
                job_id = found.job_id
            else:
                started, job_id = await self._start(uow, caller, found, options)
            if repeat is not None:
                await uow.idempotency.store(caller.user_id, _METHOD, repeat[0], job_id.encode())
            await uow.commit()
        return job_id, started

    async def _start(self, uow: U, caller: Caller, found: Import, options: ImportOptions | None) -> tuple[Import, str]:
        if found.state in (ImportState.SUCCEEDED, ImportState.EXPIRED):
            raise wrong_state(found)
        settled = found.options if options is None else cleaned(options)
        if settled.visibility is not found.options.visibility:
            raise InvalidInput("options.visibility", "can't be changed")
        owner_in(settled.visibility, caller)
        check_options(found.kind, settled)
        if (missing := found.missing()) is not None:
            raise files_missing(found, missing)
        job_id = await self._start_job(uow, caller.user_id, found.id)
        # Read otherwise, the same files have other entries in other places.
        goes_on = settled == found.options
        started = replace(
            found,
            state=ImportState.QUEUED,
            options=settled,
            job_id=job_id,
            position=found.position if goes_on else 0,
            media_position=found.media_position if goes_on else 0,
            report=found.report if goes_on else None,
            failure=None,
            updated_at=self._clock.now(),
            expires_at=None,
        )
        await uow.imports.save(started)
        return started, job_id
