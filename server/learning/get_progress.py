"""GetProgress: where the learner stands."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.learning.domain.card import Skill
from server.learning.domain.day_of_study import DayOfStudy
from server.learning.domain.progress import CardCounts, count_cards, count_cards_by
from server.learning.domain.queue import QueueCounts
from server.learning.domain.selection import CardFilter
from server.learning.domain.streak import Streak
from server.learning.get_review_queue import count_waiting
from server.learning.storage import UnitOfWork, UnitOfWorkFactory
from server.learning.study_record import StudyRecord


@dataclass(frozen=True, slots=True)
class Standpoint:
    """Where a learner stands.

    Attributes:
        difficulties: by the difficulty of the sentence, 0 where it is not analysed yet; ascending.
        jlpt_levels: by the level of the sentence, 5 first, None (without an estimate) last.
        sentences_started: different sentences with a card that is not new.
        waiting: what there is to study today.
    """

    cards: CardCounts
    skills: Mapping[Skill, CardCounts]
    difficulties: Mapping[int, CardCounts]
    jlpt_levels: Mapping[int | None, CardCounts]
    sentences_started: int
    streak: Streak
    today: DayOfStudy
    waiting: QueueCounts


class GetProgress:
    """Tells where a learner stands.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory[UnitOfWork], clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, skills: Collection[Skill]) -> Standpoint:
        """The learner's progress.

        Args:
            skills: cards of other skills are left out; none named: nothing is. Streak and today are of all cards.
        """
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            record = await StudyRecord.open(uow, caller.user_id, now)
            groups = await uow.statistics.card_groups(caller.user_id, record.today, skills)
            started = await uow.statistics.sentences_started(caller.user_id, skills)
            days = await record.days(record.today, record.today)
            standing = await uow.learning_settings.standing(caller.user_id)
            filter = CardFilter(skills=frozenset(skills))
            waiting = await count_waiting(uow, caller.user_id, filter, standing.regime, now)
        by_skill = count_cards_by(groups, lambda group: group.skill)
        levels = count_cards_by(groups, lambda group: group.jlpt_level)
        return Standpoint(
            cards=count_cards(groups),
            skills={skill: by_skill[skill] for skill in Skill if skill in by_skill},
            difficulties=dict(sorted(count_cards_by(groups, lambda group: group.difficulty).items())),
            jlpt_levels={level: levels[level] for level in (5, 4, 3, 2, 1, None) if level in levels},
            sentences_started=started,
            streak=record.streak,
            today=days.get(record.today) or DayOfStudy(record.today, study_streak=record.streak_on(record.today)),
            waiting=waiting,
        )
