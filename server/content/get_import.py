"""GetImport: one of the caller's imports."""

from __future__ import annotations

from server.content.domain.imports import Import, ImportId, import_not_found
from server.content.ports.imports import UnitOfWorkFactory
from server.kernel.identity import Caller


class GetImport:
    """Finds imports.

    Args:
        unit_of_work: opens a transaction.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, caller: Caller, import_id: ImportId) -> Import:
        """The import.

        Raises:
            NotFound: IMPORT_NOT_FOUND.
        """
        async with self._unit_of_work() as uow:
            found = await uow.imports.get(import_id, caller.user_id)
        if found is None:
            raise import_not_found(import_id)
        return found
