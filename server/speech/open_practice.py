"""OpenPractice: the answering half of a practice whose audio comes by PushPracticeAudio."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from server.kernel.identity import Caller
from server.speech.domain.attempt import Attempt
from server.speech.domain.events import (
    Assessed,
    Event,
    Limits,
    Notice,
    NoticeKind,
    Numbered,
    Ready,
)
from server.speech.live_practice import LivePractice, saved_event
from server.speech.outbox import Outbox
from server.speech.practice_config import (
    CHUNK_BYTES,
    PUSHES_IN_FLIGHT,
    RECOMMENDED_CHUNK,
    PracticeConfig,
    PracticePreparation,
    check_same,
)
from server.speech.practice_sessions import PracticeSessions


class PracticeOpener:
    """Begins a practice, resumes one that is under way, or answers with what one has led to."""

    def __init__(self, prepare: PracticePreparation, sessions: PracticeSessions) -> None:
        self._prepare = prepare
        self._sessions = sessions

    async def __call__(self, caller: Caller, config: PracticeConfig) -> tuple[LivePractice | None, Outbox]:
        """Opens a practice for a client.

        Returns:
            The practice, None when it is over already, and the events to send.

        Raises:
            ApplicationError: as the contract lists for Practice.
        """
        live = self._sessions.find(caller.user_id, config.practice_id)
        if live is None:
            looked = await self._prepare(caller, config)
            if looked.stored is not None:
                return None, self._stored(looked.stored)
            # The same practice may have been opened while this one was looked up.
            live = self._sessions.find(caller.user_id, config.practice_id)
            if live is None and looked.spec is not None:
                return self._sessions.begin(looked.spec)
        if live is None:
            raise RuntimeError("a practice that is neither stored, live nor new")
        check_same(live.spec.fingerprint, config)
        return live, self._sessions.resume(live, caller)

    def _stored(self, attempt: Attempt) -> Outbox:
        """What a practice answers whose attempt is stored: its result, and that it takes no audio."""
        limits = self._prepare.limits
        events: list[Event] = [
            Ready(
                attempt.practice_id,
                0,
                Limits(
                    longest_chunk_bytes=CHUNK_BYTES,
                    recommended_chunk=RECOMMENDED_CHUNK,
                    longest_utterance=attempt.audio_seconds,
                    idle_timeout=limits.idle_timeout,
                    streams_per_user=limits.streams_per_user,
                    audio_left_today=None,
                    resume_window=limits.resume_window,
                    pushes_in_flight=PUSHES_IN_FLIGHT,
                ),
                None,
            ),
            Notice(NoticeKind.RESUMED, (("offset", 0),)),
            attempt.transcript,
        ]
        if attempt.assessment is not None:
            events.append(Assessed(attempt.assessment, attempt.assessed_at or attempt.created_at, None))
        events.append(saved_event(attempt))
        outbox = Outbox()
        for sequence, event in enumerate(events, 1):
            outbox.put(Numbered(sequence, attempt.audio_seconds, event))
        outbox.close()
        return outbox


class OpenPractice:
    """Streams the events of a practice to a client that pushes its audio."""

    def __init__(self, opener: PracticeOpener) -> None:
        self._open = opener

    async def __call__(self, caller: Caller, config: PracticeConfig) -> AsyncGenerator[Numbered, None]:
        """Opens the practice and gives its events until it is over.

        Raises:
            ApplicationError: as the contract lists for Practice.
        """
        live, outbox = await self._open(caller, config)
        try:
            async for numbered in outbox:
                yield numbered
        finally:
            if live is not None:
                live.detach(outbox)
