"""Follows the pitch of voices while they speak."""

from __future__ import annotations

from collections.abc import Callable

from server.speech.domain.events import PitchPoint
from server.speech.domain.prosody.live import LivePitch
from server.speech.ports import SAMPLE_RATE, Computation, Samples


class VoicePitchFollower:
    """Follows pitch.

    Args:
        threads: where it is computed: about 3 ms for what is new in 0.2 s.
    """

    def __init__(self, threads: Computation) -> None:
        self._threads = threads

    def open(self) -> FollowedVoice:
        """Begins to follow one voice."""
        return FollowedVoice(self._threads)


class FollowedVoice:
    """One voice that is followed; one call at a time."""

    def __init__(self, threads: Computation) -> None:
        self._threads = threads
        self._pitch = LivePitch()

    async def advance(self, part: Callable[[float, float], Samples], until: float) -> tuple[PitchPoint, ...]:
        """The pitch since the last call; as the port says."""
        samples = part(self._pitch.window_start, until)
        return await self._threads.passing(lambda: self._pitch.advance(samples, SAMPLE_RATE))
