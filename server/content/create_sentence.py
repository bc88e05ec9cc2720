"""CreateSentence: a new sentence, with its reading."""

from __future__ import annotations

from server.content.domain.change import Draft, create
from server.content.domain.sentence import Sentence, SentenceId
from server.content.domain.spaces import owner_in
from server.content.domain.text import clean_japanese
from server.content.ports import Repeat, TextAnalyser, UnitOfWorkFactory
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller

_METHOD = "/kaiwa.content.v1.ContentService/CreateSentence"


class CreateSentence:
    """Analyses a sentence and stores it.

    Args:
        unit_of_work: opens a transaction.
        analyser: finds words and readings.
        clock: tells the time.
        ids: makes the sentence's id.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, analyser: TextAnalyser, clock: Clock, ids: IdSource) -> None:
        self._unit_of_work = unit_of_work
        self._analyser = analyser
        self._clock = clock
        self._ids = ids

    async def __call__(self, caller: Caller, draft: Draft, repeat: Repeat | None = None) -> Sentence:
        """Makes the sentence, or returns the first answer to the same request.

        Args:
            repeat: makes the call safe to retry; None where the client asked for no such thing.

        Raises:
            PermissionDenied: SHARED_CONTENT_NEEDS_TEACHER.
            InvalidInput: TEXT_NOT_JAPANESE, SPAN_MISFIT, INVALID_FIELD.
            AlreadyExists: SENTENCE_ALREADY_EXISTS, REQUEST_ID_REUSED.
            Unavailable: ANALYZER_UNAVAILABLE.
        """
        owner_id = owner_in(draft.visibility, caller)
        words = await self._analyser.words(clean_japanese(draft.japanese, "japanese"))
        now = self._clock.now()
        sentence_id = SentenceId(self._ids.new_id())
        sentence = create(draft, words, sentence_id=sentence_id, owner_id=owner_id, now=now)
        async with self._unit_of_work() as uow:
            if repeat is not None:
                first = await uow.idempotency.claim(caller.user_id, _METHOD, repeat.request_id, repeat.body_hash, now)
                if first is not None:
                    return repeat.decode(first)
            await uow.sentences.add(sentence)
            if repeat is not None:
                await uow.idempotency.store(caller.user_id, _METHOD, repeat.request_id, repeat.encode(sentence))
            await uow.commit()
        return sentence
