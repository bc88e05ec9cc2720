"""SetConfig: sets or deletes an entry of the configuration table, for administrators."""

from __future__ import annotations

from dataclasses import dataclass

from server.accounts.domain.administration import AuditAction, AuditEntry, Change, ConfigEntry
from server.accounts.ports import UnitOfWorkFactory
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """What an entry is to be, as in `ConfigEntry`."""

    value: str
    description: str
    public: bool


class SetConfig:
    """Changes the configuration table and notes who did it; the last change wins.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
        ids: makes ids of audit entries.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, ids: IdSource) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._ids = ids

    async def __call__(self, caller: Caller, key: str, value: ConfigValue | None, note: str) -> ConfigEntry | None:
        """The entry after the change.

        Args:
            key: of the entry.
            value: what it is to be; None deletes it, which is no error where there is none.
            note: why, for the audit log; may be empty.
        """
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            old, new = await uow.config.get(key), None
            if value is not None:
                new = ConfigEntry(key, value.value, value.description, value.public, now, caller.user_id)
                await uow.config.set(new)
            elif old is not None:
                await uow.config.delete(key)
            if old is not None or new is not None:
                await uow.audit.add(
                    AuditEntry(
                        id=self._ids.new_id(),
                        at=now,
                        actor_id=caller.user_id,
                        action=AuditAction.DELETE_CONFIG if new is None else AuditAction.SET_CONFIG,
                        changes=_changes(old, new),
                        config_key=key,
                        note=note,
                    )
                )
            await uow.commit()
        return new


def _changes(old: ConfigEntry | None, new: ConfigEntry | None) -> dict[str, Change]:
    before: list[str | bool | None] = [None] * 3 if old is None else [old.value, old.description, old.public]
    after: list[str | bool | None] = [None] * 3 if new is None else [new.value, new.description, new.public]
    pairs = zip(("value", "description", "public"), before, after, strict=True)
    return {name: (was, now) for name, was, now in pairs if was != now}
