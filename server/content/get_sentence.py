"""GetSentence: one sentence."""

from __future__ import annotations

from server.content.domain.sentence import Sentence, SentenceId
from server.content.domain.spaces import sentence_not_found, visible_to
from server.content.ports import UnitOfWorkFactory
from server.kernel.identity import Caller


class GetSentence:
    """Returns a sentence.

    Args:
        unit_of_work: opens a transaction.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, caller: Caller, sentence_id: SentenceId) -> Sentence:
        """The sentence, if the caller may see it.

        Raises:
            NotFound: SENTENCE_NOT_FOUND, also when it was deleted or is somebody else's.
        """
        async with self._unit_of_work() as uow:
            sentence = await uow.sentences.get(sentence_id, visible_to(caller))
        if sentence is None:
            raise sentence_not_found(sentence_id)
        return sentence
