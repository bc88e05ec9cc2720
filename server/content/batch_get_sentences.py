"""BatchGetSentences: several sentences at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.content.domain.sentence import Sentence, SentenceId
from server.content.domain.spaces import visible_to
from server.content.ports import UnitOfWorkFactory
from server.kernel.identity import Caller


@dataclass(frozen=True, slots=True)
class Batch:
    """What was found and what was not, each in the order asked for."""

    found: tuple[Sentence, ...]
    missing: tuple[SentenceId, ...]


class BatchGetSentences:
    """Returns sentences.

    Args:
        unit_of_work: opens a transaction.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, caller: Caller, sentence_ids: Sequence[SentenceId]) -> Batch:
        """The sentences that the caller may see, and the ids of the others."""
        asked = tuple(dict.fromkeys(sentence_ids))
        async with self._unit_of_work() as uow:
            found = {sentence.id: sentence for sentence in await uow.sentences.get_many(asked, visible_to(caller))}
        return Batch(
            found=tuple(found[asked_id] for asked_id in asked if asked_id in found),
            missing=tuple(asked_id for asked_id in asked if asked_id not in found),
        )
