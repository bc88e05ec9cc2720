"""PushPracticeAudio: a piece of the audio of a practice that OpenPractice has begun."""

from __future__ import annotations

from server.kernel.identity import Caller
from server.speech.practice_sessions import PracticeSessions


class PushPracticeAudio:
    """Hands audio to the practice it belongs to."""

    def __init__(self, sessions: PracticeSessions) -> None:
        self._sessions = sessions

    async def __call__(self, caller: Caller, practice_id: str, offset: int, audio: bytes) -> int:
        """Takes audio that goes after `offset` bytes; what is there already is skipped.

        Returns:
            How many bytes there are without a gap.

        Raises:
            ApplicationError: as the contract lists for PushPracticeAudio.
        """
        return await self._sessions.get(caller.user_id, practice_id).push(audio, offset)
