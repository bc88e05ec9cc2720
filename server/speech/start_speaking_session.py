"""StartSpeakingSession: begins a sitting of speaking practice."""

from __future__ import annotations

from dataclasses import dataclass

from server.errors import NotFound, Reason
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller
from server.speech.domain.assessment import Scores
from server.speech.domain.attempt import Purpose, SpeakingSession
from server.speech.practice_config import session_not_found
from server.speech.storage import UnitOfWork, UnitOfWorkFactory

_METHOD = "/kaiwa.speech.v1.SpeechService/StartSpeakingSession"


@dataclass(frozen=True, slots=True)
class Repeat:
    """What makes a call safe to retry.

    Attributes:
        request_id: the client's UUID, in lower case.
        body_hash: SHA-256 of the request without the id.
    """

    request_id: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to be started.

    Attributes:
        sentence_id: what it is about; None: nothing in particular.
        title: a name to show; empty: none.
        repeat: None where the client asked for no such thing.
    """

    sentence_id: str | None = None
    title: str = ""
    purpose: Purpose = Purpose.PRACTICE
    repeat: Repeat | None = None


class StartSpeakingSession:
    """Starts a session."""

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, ids: IdSource) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._ids = ids

    async def __call__(self, caller: Caller, wanted: NewSession) -> SpeakingSession:
        """Starts a session, or returns the one that the same request started before.

        Raises:
            NotFound: SENTENCE_NOT_FOUND.
            AlreadyExists: REQUEST_ID_REUSED.
        """
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            repeat = wanted.repeat
            if repeat is not None:
                first = await uow.idempotency.claim(caller.user_id, _METHOD, repeat.request_id, repeat.body_hash, now)
                if first is not None:
                    return await self._started(uow, caller, first.decode())
            await self._check_sentence(uow, caller, wanted.sentence_id)
            session = SpeakingSession(
                id=self._ids.new_id(),
                user_id=caller.user_id,
                sentence_id=wanted.sentence_id,
                title=wanted.title,
                purpose=wanted.purpose,
                attempt_count=0,
                audio_seconds=0.0,
                average_scores=Scores(),
                started_at=now,
                ended_at=None,
            )
            await uow.speaking_sessions.add(session)
            if repeat is not None:
                await uow.idempotency.store(caller.user_id, _METHOD, repeat.request_id, session.id.encode())
            await uow.commit()
        return session

    async def _check_sentence(self, uow: UnitOfWork, caller: Caller, sentence_id: str | None) -> None:
        if sentence_id is None or await uow.practice_sentences.find_for_practice(caller, sentence_id) is not None:
            return
        raise NotFound(
            Reason.SENTENCE_NOT_FOUND,
            "There is no such sentence.",
            metadata={"field": "sentence_id", "sentence_id": sentence_id},
        )

    async def _started(self, uow: UnitOfWork, caller: Caller, session_id: str) -> SpeakingSession:
        session = await uow.speaking_sessions.get(caller.user_id, session_id)
        if session is None:
            raise session_not_found(session_id)
        return session
