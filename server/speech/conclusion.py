"""The end of every practice, spoken or sent as a file: assess, store, answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from server.errors import Aborted, ResourceExhausted, Unavailable
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller
from server.speech.domain.attempt import Attempt, Purpose, StoredAudio, suggest_rating
from server.speech.domain.endpointing import Segment
from server.speech.domain.events import Assessed, Transcript
from server.speech.domain.hearing import Heard
from server.speech.domain.morae import normal_morae
from server.speech.domain.reference import Reference
from server.speech.domain.signal import measure
from server.speech.ports import SAMPLE_RATE, Analyser, Assessor, AudioEncoder, Recogniser, Samples
from server.speech.storage import AudioStore, UnitOfWorkFactory

FLAC = "audio/flac"
_RETRIES = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0)
"""Seconds between tries to store an attempt while the database is away: half a minute in all."""


class Asked(Protocol):
    """What a practice is about, as far as its end needs it."""

    @property
    def practice_id(self) -> str: ...
    @property
    def caller(self) -> Caller: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def session_id(self) -> str | None: ...
    @property
    def sentence_id(self) -> str | None: ...
    @property
    def accepted_answers(self) -> tuple[str, ...]: ...
    @property
    def references(self) -> tuple[Reference, ...]: ...
    @property
    def reference(self) -> Reference | None: ...
    @property
    def purpose(self) -> Purpose: ...
    @property
    def card_id(self) -> str | None: ...
    @property
    def keep_audio(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Utterance:
    """What was said in a practice.

    Attributes:
        asked: what the practice is about.
        transcript: what was recognised.
        voice: stretches of voice.
        samples: the whole recording.
        seconds: how long it is.
    """

    asked: Asked
    transcript: Transcript
    voice: Sequence[Segment]
    samples: Samples
    seconds: float


class Conclusion:
    """Judges and stores utterances.

    Args:
        sleep: waits between tries to store.
    """

    def __init__(
        self,
        *,
        recogniser: Recogniser,
        analyser: Analyser,
        assessor: Assessor,
        encoder: AudioEncoder,
        store: AudioStore,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        ids: IdSource,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._recogniser = recogniser
        self._analyser = analyser
        self._assessor = assessor
        self._encoder = encoder
        self._store = store
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._ids = ids
        self._sleep = sleep

    async def assess(self, utterance: Utterance) -> Assessed:
        """Judges an utterance against the references of its practice.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when there is too much to do.
            Unavailable: ANALYZER_UNAVAILABLE when there is too much to do.
        """
        transcript = utterance.transcript
        heard = Heard(
            transcript.text,
            normal_morae(transcript.reading),
            transcript.language,
            tuple(utterance.voice),
            measure(utterance.samples, utterance.voice, SAMPLE_RATE),
            transcript.confidence,
        )
        assessment = await self._assessor.assess(
            utterance.asked.references,
            heard,
            utterance.samples,
            speech_model=self._recogniser.version,
            analyzer=self._analyser.version,
        )
        if not utterance.asked.accepted_answers:
            # The alternatives were readings of one text, not answers.
            assessment = replace(assessment, matched_answer=None)
        elif assessment.assessable and assessment.matched_answer is None:
            # There was but one.
            assessment = replace(assessment, matched_answer=0)
        return Assessed(assessment, self._clock.now(), assessment.reference)

    async def save(self, utterance: Utterance, assessed: Assessed | None, on_delay: Callable[[], None]) -> Attempt:
        """Stores the attempt, and its audio where that is wanted; tries for half a minute when the database is away.

        Args:
            on_delay: called once when the first try failed.

        Returns:
            What is stored: an earlier attempt of the same practice where there is one.

        Raises:
            Unavailable: DATABASE_UNAVAILABLE when it did not come back.
            Aborted: CONCURRENT_CHANGE when others kept coming between.
        """
        asked = utterance.asked
        attempt_id = self._ids.new_id()
        audio = await self._keep(utterance, attempt_id) if asked.keep_audio and len(utterance.samples) else None
        assessment = assessed.assessment if assessed else None
        attempt = Attempt(
            id=attempt_id,
            practice_id=asked.practice_id,
            user_id=asked.caller.user_id,
            fingerprint=asked.fingerprint,
            session_id=asked.session_id,
            sentence_id=asked.sentence_id,
            reference_text=asked.reference.text if asked.reference else "",
            accepted_answers=asked.accepted_answers,
            purpose=asked.purpose,
            card_id=asked.card_id,
            suggested_rating=suggest_rating(assessment) if asked.purpose is Purpose.REVIEW else None,
            attempt_number=0,
            transcript=utterance.transcript,
            assessment=assessment,
            assessed_at=assessed.at if assessed else None,
            audio_seconds=utterance.seconds,
            audio=audio,
            created_at=self._clock.now(),
        )
        try:
            return await self._add_patiently(attempt, on_delay)
        except Exception:
            await self._discard(attempt)
            raise

    async def _add_patiently(self, attempt: Attempt, on_delay: Callable[[], None]) -> Attempt:
        for wait in _RETRIES:
            try:
                return await self._add(attempt)
            except (Unavailable, Aborted):
                if wait == _RETRIES[0]:
                    on_delay()
            try:
                await self._sleep(wait)
            except asyncio.CancelledError:
                # Not where a transaction is cut short: nobody knows whether it is stored.
                await self._discard(attempt)
                raise
        return await self._add(attempt)

    async def _add(self, attempt: Attempt) -> Attempt:
        async with self._unit_of_work() as uow:
            stored = await uow.attempts.add(attempt)
            await uow.commit()
        if stored.id != attempt.id:
            await self._discard(attempt)
        return stored

    async def _discard(self, attempt: Attempt) -> None:
        """Removes the recording of an attempt that is not stored, as far as that can be done now."""
        if attempt.audio is not None:
            with contextlib.suppress(Unavailable):
                await self._store.delete(attempt.audio.key)

    async def _keep(self, utterance: Utterance, attempt_id: str) -> StoredAudio | None:
        key = f"attempts/{utterance.asked.caller.user_id}/{attempt_id}.flac"
        try:
            data = await self._encoder.flac(utterance.samples)
            await self._store.put(key, data, {"content_type": FLAC})
        except (Unavailable, ResourceExhausted):
            # The result matters more than the recording: the client is told that it was not kept.
            return None
        return StoredAudio(key, FLAC, SAMPLE_RATE, len(data))
