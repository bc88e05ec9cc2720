"""GetSettings: the learner's settings."""

from __future__ import annotations

from server.kernel.identity import Caller
from server.learning.domain.sync import StoredSettings
from server.learning.ports import UnitOfWorkFactory


class GetSettings:
    """Reads settings.

    Args:
        unit_of_work: opens a transaction.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, caller: Caller) -> StoredSettings:
        """The settings; the default ones until the first change."""
        async with self._unit_of_work() as uow:
            return (await uow.learning_settings.standing(caller.user_id)).stored
