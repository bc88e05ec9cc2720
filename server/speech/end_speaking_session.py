"""EndSpeakingSession: ends a sitting of speaking practice."""

from __future__ import annotations

from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.speech.domain.attempt import FORGOTTEN_AFTER, SpeakingSession
from server.speech.practice_config import session_not_found
from server.speech.storage import UnitOfWorkFactory


class EndSpeakingSession:
    """Ends a session; practices under way in it still belong to it."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, session_id: str) -> SpeakingSession:
        """Ends the session and returns it with its figures; one that has ended stays as it is.

        Raises:
            NotFound: SPEAKING_SESSION_NOT_FOUND.
        """
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            await uow.speaking_sessions.end_forgotten(caller.user_id, now - FORGOTTEN_AFTER)
            await uow.speaking_sessions.end(caller.user_id, session_id, now)
            session = await uow.speaking_sessions.get(caller.user_id, session_id)
            if session is None:
                raise session_not_found(session_id)
            await uow.commit()
        return session
