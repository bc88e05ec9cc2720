"""GetPublicConfig: returns the public part of the configuration table."""

from __future__ import annotations

from collections.abc import Mapping

from server.accounts.ports import UnitOfWorkFactory


class GetPublicConfig:
    """Reads the settings that everyone may know.

    Args:
        unit_of_work: opens a transaction.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self) -> Mapping[str, str]:
        """The values of all public entries by their keys."""
        async with self._unit_of_work() as uow:
            return await uow.config.public_values()
