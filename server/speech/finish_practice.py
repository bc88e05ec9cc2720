"""FinishPractice: the end of the audio of a practice that OpenPractice has begun."""

from __future__ import annotations

from server.kernel.identity import Caller
from server.speech.practice_sessions import PracticeSessions


class FinishPractice:
    """Tells the practice that there is no more audio."""

    def __init__(self, sessions: PracticeSessions) -> None:
        self._sessions = sessions

    async def __call__(self, caller: Caller, practice_id: str, final_offset: int | None) -> int:
        """Finishes the practice; its results come on its stream.

        Args:
            final_offset: how many bytes there are in all; None: what has come.

        Returns:
            How many bytes were taken.

        Raises:
            ApplicationError: as the contract lists for FinishPractice.
        """
        return await self._sessions.get(caller.user_id, practice_id).finish(final_offset)
