"""UndeleteSentence: takes a deletion back."""

from __future__ import annotations

from dataclasses import replace

from server.content.domain.sentence import Sentence, SentenceId
from server.content.domain.spaces import changed_meanwhile, check_may_change, visible_to
from server.content.ports import UnitOfWorkFactory
from server.kernel.clock import Clock
from server.kernel.identity import Caller

_TRIES = 4


class UndeleteSentence:
    """Brings a sentence back.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, sentence_id: SentenceId) -> Sentence:
        """Brings it back; one that isn't deleted is returned as it is.

        Raises:
            NotFound: SENTENCE_NOT_FOUND.
            PermissionDenied: SHARED_CONTENT_NEEDS_TEACHER.
            AlreadyExists: SENTENCE_ALREADY_EXISTS when its source id has been taken since.
            Aborted: CONCURRENT_CHANGE.
        """
        for _ in range(_TRIES):
            async with self._unit_of_work() as uow:
                found = await uow.sentences.get(sentence_id, visible_to(caller), or_deleted=True)
                current = check_may_change(found, sentence_id, caller)
                if current.deleted_at is None:
                    return current
                back = replace(current, deleted_at=None, updated_at=self._clock.now(), revision=current.revision + 1)
                if await uow.sentences.save(back):
                    await uow.commit()
                    return back
        raise changed_meanwhile(sentence_id)
