"""Computes a learner's figures anew from their log. Not an RPC: a chore and the command `rebuild-stats` do it.

The figures are kept in the transactions that change the log, so this finds nothing to mend: it is there to prove that,
every night, and to tell when it is not so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from datetime import datetime

from server.kernel.clock import Clock
from server.kernel.identity import UserId
from server.learning.domain.card import Card, SentenceId
from server.learning.domain.figures import DayAndSkill, Figures, tally
from server.learning.domain.replay import Subject, replay
from server.learning.domain.review import AnswerEffect
from server.learning.recording import log_of
from server.learning.storage import UnitOfWork, UnitOfWorkFactory

CHECKED_AT_ONCE = 500
"""Learners that one run of the chore looks at, those who studied last; a log of thousands of answers takes a second."""
_SENTENCES_AT_ONCE = 200
_LEARNERS_AT_ONCE = 500

_log = logging.getLogger("kaiwa.learning")


class RecomputeStatistics:
    """Replays logs and puts figures right.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory[UnitOfWork], clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, user_id: UserId) -> bool:
        """Computes one learner's figures; returns whether other ones were kept."""
        async with self._unit_of_work() as uow:
            # Nothing of the learner's changes until this is done.
            await uow.sequences.next(user_id)
            computed = tally(await _effects(uow, user_id))
            kept = await uow.statistics.figures(user_id)
            if computed == kept:
                return False
            await uow.statistics.replace(user_id, computed, self._clock.now())
            await uow.commit()
        _log.error(
            "daily figures were not those of the log",
            extra={"user_id": user_id, "days": sorted({str(day) for day, _ in _other(computed, kept)})[:20]},
        )
        return True

    async def lately_changed(self, since: datetime) -> int:
        """Does so for those whose figures changed since a time; returns for how many other ones were kept."""
        async with self._unit_of_work() as uow:
            learners = await uow.statistics.learners_changed_since(since, CHECKED_AT_ONCE)
        return sum([await self(user_id) for user_id in learners])

    async def all(self) -> AsyncIterator[tuple[UserId, bool]]:
        """Does so for every learner; tells each with whether other figures were kept."""
        after: UserId | None = None
        while True:
            async with self._unit_of_work() as uow:
                learners = await uow.statistics.learners(after, _LEARNERS_AT_ONCE)
            if not learners:
                return
            for user_id in learners:
                yield user_id, await self(user_id)
            after = learners[-1]


async def _effects(uow: UnitOfWork, user_id: UserId) -> list[AnswerEffect]:
    regimes = await uow.learning_settings.regimes(user_id)
    found: list[AnswerEffect] = []
    after: SentenceId | None = None
    while sentences := await uow.cards.sentences_after(user_id, after, _SENTENCES_AT_ONCE):
        after = sentences[-1]
        cards = await uow.cards.of_sentences(user_id, sentences)
        log = await log_of(uow, user_id, [card.id for card in cards])
        groups: dict[SentenceId, list[Card]] = {}
        for card in cards:
            groups.setdefault(card.sentence_id, []).append(card)
        for members in groups.values():
            events = [event for card in members for event in log.get(card.id, ())]
            found += replay(map(Subject.of, members), events, regimes).effects.values()
        # A learner with many thousands of cards does not keep the others waiting.
        await asyncio.sleep(0)
    return found


def _other(computed: Mapping[DayAndSkill, Figures], kept: Mapping[DayAndSkill, Figures]) -> set[DayAndSkill]:
    return {key for key in computed.keys() | kept.keys() if computed.get(key) != kept.get(key)}
