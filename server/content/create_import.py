"""CreateImport: begins an import; its files come next."""

from __future__ import annotations

from datetime import timedelta

from server.content.domain.imports import (
    KEPT,
    MOST_OPEN,
    Import,
    ImportId,
    ImportKind,
    ImportOptions,
    ImportState,
    check_options,
    import_not_found,
)
from server.content.domain.spaces import owner_in
from server.content.import_options import cleaned
from server.content.ports.imports import UnitOfWorkFactory
from server.errors import Reason, ResourceExhausted
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller

_METHOD = "/kaiwa.content.v1.ContentService/CreateImport"


class CreateImport:
    """Makes imports.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
        ids: makes ids.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, ids: IdSource) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._ids = ids

    async def __call__(
        self, caller: Caller, kind: ImportKind, options: ImportOptions, repeat: tuple[str, bytes] | None = None
    ) -> Import:
        """Makes one, or returns the one that the same request made, as it is now.

        Args:
            repeat: the client's request id and a digest of the request; None: it asked for no such thing.

        Raises:
            PermissionDenied: SHARED_CONTENT_NEEDS_TEACHER.
            InvalidInput: INVALID_FIELD, IMPORT_MAPPING_INVALID.
            ResourceExhausted: IMPORT_LIMIT_REACHED.
            AlreadyExists: REQUEST_ID_REUSED.
        """
        owner_in(options.visibility, caller)
        options = cleaned(options)
        check_options(kind, options)
        now = self._clock.now()
        new = Import(
            ImportId(self._ids.new_id()),
            caller.user_id,
            kind,
            ImportState.AWAITING_FILES,
            options,
            now,
            now,
            expires_at=now + KEPT,
        )
        async with self._unit_of_work() as uow:
            if repeat is not None:
                first = await uow.idempotency.claim(caller.user_id, _METHOD, repeat[0], repeat[1], now)
                if first is not None:
                    made = ImportId(first.decode())
                    found = await uow.imports.get(made, caller.user_id)
                    if found is None:
                        raise import_not_found(made)
                    return found
            if await uow.imports.count_open(caller.user_id) >= MOST_OPEN:
                raise ResourceExhausted(
                    Reason.IMPORT_LIMIT_REACHED,
                    f"{MOST_OPEN} of your imports await their files or their job. Finish or wait for one of them.",
                    metadata={"limit": str(MOST_OPEN)},
                    retry_after=timedelta(seconds=30),
                )
            await uow.imports.add(new)
            if repeat is not None:
                await uow.idempotency.store(caller.user_id, _METHOD, repeat[0], new.id.encode())
            await uow.commit()
        return new
