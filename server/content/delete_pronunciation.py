"""DeletePronunciation: takes an entry out of the dictionary."""

from __future__ import annotations

from dataclasses import replace

from server.content.domain.pronunciation import (
    PronunciationId,
    entry_changed_meanwhile,
    pronunciation_not_found,
)
from server.content.domain.spaces import owner_in, visible_to
from server.content.ports import UnitOfWorkFactory
from server.kernel.clock import Clock
from server.kernel.identity import Caller

_TRIES = 4


class DeletePronunciation:
    """Deletes entries.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, pronunciation_id: PronunciationId, etag: str = "") -> None:
        """Deletes it; nothing happens when it was deleted before, whatever the etag.

        Raises:
            NotFound: PRONUNCIATION_NOT_FOUND.
            PermissionDenied: SHARED_CONTENT_NEEDS_TEACHER.
            Aborted: CONCURRENT_CHANGE.
        """
        for _ in range(_TRIES):
            async with self._unit_of_work() as uow:
                current = await uow.pronunciations.get(pronunciation_id, visible_to(caller))
                if current is None:
                    raise pronunciation_not_found(pronunciation_id)
                owner_in(current.visibility, caller)
                if current.deleted_at is not None:
                    return
                if etag and etag != current.etag:
                    break
                now = self._clock.now()
                tombstone = replace(current, deleted_at=now, updated_at=now, revision=current.revision + 1)
                if await uow.pronunciations.save(tombstone, caller.user_id):
                    await uow.commit()
                    return
        raise entry_changed_meanwhile(pronunciation_id)
