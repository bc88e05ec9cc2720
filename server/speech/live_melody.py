"""The pitch of the learner, told while they speak."""

from __future__ import annotations

from server.speech.domain.events import PitchPoint
from server.speech.ports import PitchFollower
from server.speech.recording import Recording

_INTERVAL = 0.2
"""Seconds of audio between two looks."""


class LiveMelody:
    """Looks at the pitch, one look at a time.

    Args:
        recording: the audio so far.
        wanted: whether it is to be told; else nothing is ever due.
    """

    def __init__(self, follower: PitchFollower, recording: Recording, *, wanted: bool) -> None:
        self._recording = recording
        self._voice = follower.open() if wanted else None
        self._busy = False
        self._looked = 0.0

    def due(self, received: float) -> bool:
        """Whether to look again now that there is so much audio, in seconds."""
        return self._voice is not None and not self._busy and received - self._looked >= _INTERVAL

    async def advance(self, until: float) -> tuple[PitchPoint, ...]:
        """The pitch since the last look.

        Args:
            until: how much audio there is, seconds.

        Raises:
            ApplicationError: there is too much to do.
        """
        if self._voice is None:
            return ()
        self._busy, self._looked = True, until
        try:
            return await self._voice.advance(self._recording.part, until)
        finally:
            self._busy = False
