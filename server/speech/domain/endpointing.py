"""Where speech begins and ends, from the voice detector's probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

PRE_ROLL = 0.25
"""Seconds of audio kept before the onset: voiceless beginnings come before the detector wakes."""
POST_ROLL = 0.3
"""Seconds of audio kept after the last voice: faint and devoiced endings come after it sleeps."""


@dataclass(frozen=True, slots=True)
class VoiceParameters:
    """Hysteresis of voice activity (Silero's own recommended thresholds; durations in seconds).

    Attributes:
        onset: probability above which a frame counts towards the beginning of speech.
        offset: probability below which a frame counts as silence.
        least_speech: how much voice makes a beginning; shorter clicks are none.
    """

    onset: float = 0.5
    offset: float = 0.35
    least_speech: float = 0.064


class VoiceEvent(Enum):
    """What a frame changed."""

    STARTED = auto()
    STOPPED = auto()


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech, in seconds from the beginning of the audio."""

    start: float
    end: float


class VoiceTracker:
    """Follows speech through a stream of frame probabilities.

    Args:
        frame: seconds a frame.
        parameters: thresholds.
        silence: seconds of silence after which speech counts as stopped.
    """

    def __init__(self, frame: float, parameters: VoiceParameters, silence: float) -> None:
        self._frame = frame
        self._parameters = parameters
        self._silence = silence
        self._position = 0.0
        self._run = 0.0
        self._speaking = False
        self._last_voice = 0.0
        self._segments: list[Segment] = []

    @property
    def position(self) -> float:
        """Seconds of audio judged so far."""
        return self._position

    @property
    def speaking(self) -> bool:
        """Whether speech is under way (a pause shorter than the silence included)."""
        return self._speaking

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Stretches of voice so far, pauses of any length between them; the last may still be growing."""
        return tuple(self._segments)

    @property
    def speech_start(self) -> float | None:
        """When the first speech began; None while there was none."""
        return self._segments[0].start if self._segments else None

    @property
    def speech_end(self) -> float | None:
        """When the last voice was heard; None while there was none."""
        return self._segments[-1].end if self._segments else None

    @property
    def silence(self) -> float:
        """Seconds since the last voice; 0 while there was none."""
        return self._position - self._segments[-1].end if self._segments else 0.0

    def add(self, probability: float) -> VoiceEvent | None:
        """Takes the next frame's probability of voice, 0 to 1."""
        begin = self._position
        self._position += self._frame
        in_voice = bool(self._segments) and self._segments[-1].end >= begin - self._frame / 2
        threshold = self._parameters.offset if in_voice else self._parameters.onset
        if probability >= threshold:
            self._run += self._frame
            if in_voice:
                self._segments[-1] = Segment(self._segments[-1].start, self._position)
            elif self._run >= self._parameters.least_speech - 1e-9:
                self._segments.append(Segment(self._position - self._run, self._position))
                if not self._speaking:
                    self._speaking = True
                    return VoiceEvent.STARTED
            return None
        self._run = 0.0
        if self._speaking and self.silence >= self._silence - 1e-9:
            self._speaking = False
            return VoiceEvent.STOPPED
        return None
