"""ListSpeakingSessions: the learner's sittings of speaking practice."""

from __future__ import annotations

from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.kernel.paging import Page, PageRequest
from server.speech.domain.attempt import FORGOTTEN_AFTER, SpeakingSession
from server.speech.storage import SessionFilter, UnitOfWorkFactory


class ListSpeakingSessions:
    """Lists sessions, newest first; those that nobody ended but that were forgotten are ended on the way."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, wanted: SessionFilter, page: PageRequest) -> Page[SpeakingSession]:
        """A page of the caller's sessions with their figures."""
        async with self._unit_of_work() as uow:
            await uow.speaking_sessions.end_forgotten(caller.user_id, self._clock.now() - FORGOTTEN_AFTER)
            found = await uow.speaking_sessions.list(caller.user_id, wanted, page)
            await uow.commit()
        return found
