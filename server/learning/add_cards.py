"""AddCards: begins to study sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from server.errors import ApplicationError, FailedPrecondition, NotFound, Reason
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller
from server.learning.domain.card import Card, CardId, Progress, Schedule, SentenceId, Skill
from server.learning.domain.days import LearnerDays
from server.learning.ports import UnitOfWorkFactory


@dataclass(frozen=True, slots=True)
class AddedCards:
    """The cards of some sentences.

    Attributes:
        cards: one for each sentence that could be added and each skill, in the order asked for.
        created: how many of them are new.
        failures: why sentences have none.
        days: how the learner's days are counted.
    """

    cards: tuple[Card, ...]
    created: int
    failures: tuple[tuple[SentenceId, ApplicationError], ...]
    days: LearnerDays


class AddCards:
    """Adds cards.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
        ids: makes the cards' ids.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, ids: IdSource) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._ids = ids

    async def __call__(self, caller: Caller, sentence_ids: Sequence[SentenceId], skills: Sequence[Skill]) -> AddedCards:
        """Adds a card for each sentence and skill that the learner has none of.

        A sentence that can't be added fails by itself: with SENTENCE_NOT_FOUND when the learner may not see it, with
        CARD_SENTENCE_INACTIVE when it takes no new cards and the learner lacks one of those asked for.
        """
        async with self._unit_of_work() as uow:
            user_id = caller.user_id
            sequence = await uow.sequences.next(user_id)
            now = self._clock.now()
            standing = await uow.learning_settings.standing(user_id)
            sentences = {each.id: each for each in await uow.studied_sentences.find(user_id, sentence_ids)}
            present: dict[tuple[SentenceId, Skill], Card] = {}
            for card in await uow.cards.of_sentences(user_id, sentence_ids):
                present.setdefault((card.sentence_id, card.skill), card)
            position = await uow.cards.last_new_position(user_id)
            progress = Progress(schedule=Schedule(scheduler=standing.regime.settings.scheduler))
            cards: list[Card] = []
            created: list[Card] = []
            failures: list[tuple[SentenceId, ApplicationError]] = []
            for sentence_id in sentence_ids:
                sentence = sentences.get(sentence_id)
                missing = [skill for skill in skills if (sentence_id, skill) not in present]
                if sentence is None:
                    failures.append((sentence_id, _sentence_not_found(sentence_id)))
                    continue
                if missing and not sentence.active:
                    failures.append((sentence_id, _sentence_inactive(sentence_id)))
                    continue
                for skill in missing:
                    card = Card(
                        id=CardId(self._ids.new_id()),
                        sentence_id=sentence_id,
                        skill=skill,
                        new_position=position + len(created) + 1,
                        import_key=None,
                        progress=progress,
                        created_at=now,
                        updated_at=now,
                        sequence=sequence,
                    )
                    present[sentence_id, skill] = card
                    created.append(card)
                cards += (present[sentence_id, skill] for skill in skills)
            if created:
                await uow.cards.add(user_id, created)
                await uow.commit()
        return AddedCards(tuple(cards), len(created), tuple(failures), standing.regime.days)


def _sentence_not_found(sentence_id: SentenceId) -> NotFound:
    return NotFound(
        Reason.SENTENCE_NOT_FOUND,
        f"There is no sentence {sentence_id} that you may see.",
        metadata={"sentence_id": sentence_id},
    )


def _sentence_inactive(sentence_id: SentenceId) -> FailedPrecondition:
    return FailedPrecondition(
        Reason.CARD_SENTENCE_INACTIVE,
        f"The sentence {sentence_id} is not active: it takes no new cards.",
        metadata={"sentence_id": sentence_id},
    )
