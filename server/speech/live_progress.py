"""How far the learner has read, while they read."""

from __future__ import annotations

from server.speech.domain.reference import Reference
from server.speech.ports import Follower
from server.speech.recording import Recording

_INTERVAL = 0.2
"""Seconds of audio between two looks; one costs 15 to 50 ms of a core."""


class LiveProgress:
    """Looks where the learner is, one look at a time.

    Args:
        recording: the audio so far.
        reference: what is read; None where there is no one text: then nothing is ever due.
    """

    def __init__(self, follower: Follower, recording: Recording, reference: Reference | None) -> None:
        self._recording = recording
        self._reading = None if reference is None else follower.open(reference)
        self._busy = False
        self._looked = 0.0
        self.read: int | None = None if reference is None else 0
        self.total = None if reference is None else len(reference.morae)

    def due(self, received: float) -> bool:
        """Whether to look again now that there is so much audio, in seconds."""
        return self._reading is not None and not self._busy and received - self._looked >= _INTERVAL

    async def advance(self, until: float) -> bool:
        """Looks again.

        Args:
            until: how much audio there is, seconds.

        Returns:
            Whether the learner has got on.

        Raises:
            ApplicationError: there is too much to do.
        """
        if self._reading is None:
            return False
        self._busy, self._looked = True, until
        try:
            read = await self._reading.morae_read(self._recording.part, until)
        finally:
            self._busy = False
        moved = read != self.read
        self.read = read
        return moved
