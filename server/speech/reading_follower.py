"""Follows readings while they go on."""

from __future__ import annotations

from collections.abc import Callable

from server.speech.domain.progress import ReadingProgress
from server.speech.domain.reference import Reference
from server.speech.domain.transitions import FRAME
from server.speech.ports import AcousticModel, Computation, Pronunciations, Samples

Part = Callable[[float, float], Samples]
"""Gives the audio between two times, in seconds."""


class PhonemeFollower:
    """Follows readings with the acoustic model.

    Args:
        model: hears phones.
        pronunciations: how texts sound.
        threads: where everything is computed.
    """

    def __init__(self, model: AcousticModel, pronunciations: Pronunciations, threads: Computation) -> None:
        self._model = model
        self._pronunciations = pronunciations
        self._threads = threads

    def open(self, reference: Reference) -> FollowedReading:
        """Begins to follow one reading."""
        return FollowedReading(reference, self._model, self._pronunciations, self._threads)


class FollowedReading:
    """One reading that is followed; one call at a time."""

    def __init__(
        self, reference: Reference, model: AcousticModel, pronunciations: Pronunciations, threads: Computation
    ) -> None:
        self._reference = reference
        self._model = model
        self._pronunciations = pronunciations
        self._threads = threads
        self._progress: ReadingProgress | None = None

    async def morae_read(self, part: Part, until: float) -> int:
        """How many morae have been read, never fewer than before.

        Args:
            part: gives the audio.
            until: how much of it there is, seconds.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when there is too much to do.
            Unavailable: ANALYZER_UNAVAILABLE when there is too much to do.
        """
        if self._progress is None:
            self._progress = ReadingProgress(await self._pronunciations.of(self._reference))
        progress = self._progress
        samples = part(progress.window_start * FRAME, until)
        return await self._threads.passing(lambda: progress.advance(self._model.transitions(samples)))
