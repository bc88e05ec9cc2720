"""DeleteSentence: leaves a tombstone."""

from __future__ import annotations

from dataclasses import replace

from server.content.domain.sentence import Sentence, SentenceId
from server.content.domain.spaces import changed_meanwhile, check_may_change, visible_to
from server.content.ports import UnitOfWorkFactory
from server.kernel.clock import Clock
from server.kernel.identity import Caller

_TRIES = 4


class DeleteSentence:
    """Deletes a sentence.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, sentence_id: SentenceId, etag: str = "") -> Sentence:
        """Deletes it and returns the tombstone; one that is deleted already stays as it is, whatever the etag.

        Args:
            etag: the state that may be deleted; empty: whatever there is.

        Raises:
            NotFound: SENTENCE_NOT_FOUND.
            PermissionDenied: SHARED_CONTENT_NEEDS_TEACHER.
            Aborted: CONCURRENT_CHANGE.
        """
        for _ in range(_TRIES):
            async with self._unit_of_work() as uow:
                found = await uow.sentences.get(sentence_id, visible_to(caller), or_deleted=True)
                current = check_may_change(found, sentence_id, caller)
                if current.deleted_at is not None:
                    return current
                if etag and etag != current.etag:
                    break
                now = self._clock.now()
                tombstone = replace(current, deleted_at=now, updated_at=now, revision=current.revision + 1)
                if await uow.sentences.save(tombstone):
                    await uow.commit()
                    return tombstone
        raise changed_meanwhile(sentence_id)
