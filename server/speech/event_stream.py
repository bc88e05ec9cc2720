"""The events of a practice, numbered, on their way to whichever client listens."""

from __future__ import annotations

from collections.abc import Callable

from server.errors import Aborted, Reason
from server.speech.domain.events import (
    Assessed,
    Event,
    Notice,
    NoticeKind,
    Numbered,
    Partial,
    Ready,
    Saved,
    SpeechEnded,
    SpeechStarted,
    Transcript,
)
from server.speech.outbox import Outbox

_NOTICE_INTERVAL = 5.0


class EventStream:
    """Gives a practice's events to one client at a time, and again to the next what still holds.

    Args:
        practice_id: the practice.
        position: seconds of audio processed.
        steady: a clock for durations, in seconds.
    """

    def __init__(self, practice_id: str, position: Callable[[], float], steady: Callable[[], float]) -> None:
        self._practice_id = practice_id
        self._position = position
        self._steady = steady
        self._outbox: Outbox | None = None
        self._sequence = 0
        self._kept: dict[type, Event] = {}
        self._told: dict[NoticeKind, float] = {}

    @property
    def attached(self) -> bool:
        """Whether a client is listening."""
        return self._outbox is not None and not self._outbox.closed

    def attach(self, ready: Ready) -> Outbox:
        """Begins a stream to a client, in place of any other: `ready`, and what still holds of an earlier one."""
        resumed = self._sequence > 0
        if self._outbox is not None:
            self._outbox.close(
                Aborted(
                    Reason.PRACTICE_TAKEN_OVER,
                    "The same practice was opened again on another stream, which goes on with it.",
                    metadata={"practice_id": self._practice_id},
                )
            )
        self._outbox = Outbox()
        self.emit(ready)
        if resumed:
            self.emit(Notice(NoticeKind.RESUMED, (("offset", ready.resume_offset),)))
            for event in tuple(self._kept.values()):
                self.emit(event)
        return self._outbox

    def serves(self, outbox: Outbox) -> bool:
        """Whether this is the stream that events go to now."""
        return self._outbox is outbox

    def emit(self, event: Event) -> None:
        """Sends an event to whoever listens."""
        if isinstance(event, (SpeechStarted, Partial, SpeechEnded, Transcript, Assessed, Saved)):
            if isinstance(event, Transcript):
                self._kept.pop(Partial, None)
            self._kept[type(event)] = event
        if self._outbox is not None and self._outbox.put(Numbered(self._sequence + 1, self._position(), event)):
            self._sequence += 1

    def tell(self, notice: Notice) -> None:
        """Sends a notice to whoever listens; one of a kind every five seconds at most."""
        now = self._steady()
        if now - self._told.get(notice.kind, float("-inf")) >= _NOTICE_INTERVAL:
            self._told[notice.kind] = now
            self.emit(notice)

    def close(self, error: BaseException | None = None) -> Outbox | None:
        """Ends the stream there is, in the error if there is one, and returns it."""
        if self._outbox is not None:
            self._outbox.close(error)
        return self._outbox
