"""Makes cards anew from the log. Not an RPC: an operator does it (`kaiwa-server rebuild-cards`)."""

from __future__ import annotations

from dataclasses import dataclass

from server.kernel.clock import Clock
from server.kernel.identity import UserId
from server.learning.domain.card import SentenceId
from server.learning.ports import UnitOfWorkFactory
from server.learning.recording import changed_card, replayed

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild found.

    Attributes:
        learners, cards: how many were looked at.
        differing: cards that were not what their log says.
    """

    learners: int = 0
    cards: int = 0
    differing: int = 0

    def __add__(self, other: Rebuilt) -> Rebuilt:
        return Rebuilt(self.learners + other.learners, self.cards + other.cards, self.differing + other.differing)


class RebuildCards:
    """Rebuilds cards, some sentences of a learner at a time, while the server runs.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, *, check: bool = False) -> Rebuilt:
        """Rebuilds the cards of all learners.

        Args:
            check: changes nothing.
        """
        found = Rebuilt()
        after: UserId | None = None
        while True:
            async with self._unit_of_work() as uow:
                learners = await uow.cards.learners_after(after, _AT_ONCE)
            if not learners:
                return found
            after = learners[-1]
            for user_id in learners:
                found += await self.of_learner(user_id, check=check)

    async def of_learner(self, user_id: UserId, *, check: bool = False) -> Rebuilt:
        """Rebuilds the cards of one learner.

        Args:
            check: changes nothing.
        """
        found = Rebuilt(learners=1)
        after: SentenceId | None = None
        while True:
            async with self._unit_of_work() as uow:
                sequence = await uow.sequences.next(user_id)
                sentences = await uow.cards.sentences_after(user_id, after, _AT_ONCE)
                if not sentences:
                    return found
                after = sentences[-1]
                cards = await uow.cards.of_sentences(user_id, sentences)
                regimes = await uow.learning_settings.regimes(user_id)
                progress = await replayed(uow, user_id, cards, regimes)
                now = self._clock.now()
                differing = [
                    changed_card(card, progress[card.id], now, sequence)
                    for card in cards
                    if progress[card.id] != card.progress
                ]
                found += Rebuilt(cards=len(cards), differing=len(differing))
                if differing and not check:
                    await uow.cards.save(user_id, differing)
                    await uow.commit()
