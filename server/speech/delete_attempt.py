"""DeleteAttempt: deletes an attempt with its audio for good."""

from __future__ import annotations

from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.speech.get_attempt import attempt_not_found
from server.speech.storage import AudioStore, UnitOfWorkFactory


class DeleteAttempt:
    """Deletes attempts."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, store: AudioStore, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._store = store
        self._clock = clock

    async def __call__(self, caller: Caller, attempt_id: str) -> None:
        """Deletes the attempt; one that is deleted stays so.

        Raises:
            NotFound: ATTEMPT_NOT_FOUND.
            Unavailable: STORAGE_UNAVAILABLE; the attempt is still there.
        """
        async with self._unit_of_work() as uow:
            attempt = await uow.attempts.get(caller.user_id, attempt_id)
        # The recording goes first: if the rest fails, the attempt is still there and can be deleted again.
        if attempt is not None and attempt.audio is not None:
            await self._store.delete(attempt.audio.key)
        async with self._unit_of_work() as uow:
            if await uow.attempts.delete(caller.user_id, attempt_id, self._clock.now()) is None:
                raise attempt_not_found(attempt_id)
            await uow.commit()
