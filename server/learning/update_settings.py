"""UpdateSettings: changes settings, and moves cards where the change does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from server.errors import InvalidInput
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller, UserId
from server.learning.domain.card import Card, SentenceId, State
from server.learning.domain.fsrs import check_weights
from server.learning.domain.replay import with_vacations
from server.learning.domain.review import Outcome, Review, ReviewId, ReviewKind
from server.learning.domain.scheduling import algorithm_of
from server.learning.domain.settings import LearningSettings, Regime, Regimes
from server.learning.domain.sync import StoredSettings
from server.learning.ports import Standing, UnitOfWork, UnitOfWorkFactory
from server.learning.recording import changed_card, replayed
from server.learning.reply import Reply

R = TypeVar("R")
_METHOD = "/kaiwa.learning.v1.LearningService/UpdateSettings"
_SENTENCES_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What is to change.

    Attributes:
        fields: names of the fields of `LearningSettings` that change.
        apply: the settings after the change, by those before.
        moves_cards: whether a change of weights, retention or longest interval moves all cards at once.
    """

    fields: frozenset[str]
    apply: Callable[[LearningSettings], LearningSettings]
    moves_cards: bool = False


class UpdateSettings:
    """Changes settings.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
        ids: makes ids for the logs.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, ids: IdSource) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._ids = ids

    async def __call__(self, caller: Caller, change: SettingsChange, reply: Reply[StoredSettings, R]) -> R:
        """Makes the change; one that changes nothing leaves no trace.

        Another scheduler moves all cards that are not new, a change of weights, retention or longest interval does
        where it was asked to, a vacation moves those that are due after its start: all of it in one transaction.

        Raises:
            InvalidInput: INVALID_FIELD, SCHEDULER_WEIGHTS_INVALID.
            AlreadyExists: REQUEST_ID_REUSED.
        """
        repeat = reply.repeat
        async with self._unit_of_work() as uow:
            user_id = caller.user_id
            sequence = await uow.sequences.next(user_id)
            now = self._clock.now()
            if repeat is not None:
                first = await uow.idempotency.claim(user_id, _METHOD, repeat.request_id, repeat.body_hash, now)
                if first is not None:
                    return repeat.decode(first)
            standing = await uow.learning_settings.standing(user_id)
            stored = await self._change(uow, user_id, standing, change, now, sequence)
            shown = reply.show(stored)
            if repeat is not None:
                await uow.idempotency.store(user_id, _METHOD, repeat.request_id, repeat.encode(shown))
            await uow.commit()
        return shown

    async def _change(
        self,
        uow: UnitOfWork,
        user_id: UserId,
        standing: Standing,
        change: SettingsChange,
        now: datetime,
        sequence: int,
    ) -> StoredSettings:
        before = standing.regime.settings
        after = change.apply(before)
        _check(before, after, change.fields, standing.regime.days.day_of(now))
        if after == before:
            return standing.stored
        other_scheduler = after.scheduler is not before.scheduler
        moves = other_scheduler or (change.moves_cards and _schedules_otherwise(before, after))
        await uow.learning_settings.change(user_id, self._ids.new_id(), before, after, now, sequence, moves_cards=moves)
        if moves or after.vacation != before.vacation:
            regimes = await uow.learning_settings.regimes(user_id)
            await self._move(uow, user_id, regimes, now, sequence, replays=moves)
        return StoredSettings(after, now, sequence)

    async def _move(
        self, uow: UnitOfWork, user_id: UserId, regimes: Regimes, now: datetime, sequence: int, *, replays: bool
    ) -> None:
        vacations = regimes.vacations()
        after: SentenceId | None = None
        while sentences := await uow.cards.sentences_after(user_id, after, _SENTENCES_AT_ONCE):
            after = sentences[-1]
            cards = await uow.cards.of_sentences(user_id, sentences)
            if replays:
                progress = await replayed(uow, user_id, cards, regimes)
            else:
                progress = {card.id: with_vacations(card.progress, vacations) for card in cards}
            moved = [changed_card(card, progress[card.id], now, sequence) for card in cards]
            pairs = list(zip(cards, moved, strict=True))
            await uow.cards.save(user_id, [card for before, card in pairs if card != before])
            if replays:
                entries = [
                    _entry(ReviewId(self._ids.new_id()), before, card, regimes.present, sequence)
                    for before, card in pairs
                    if card.progress.schedule.state is not State.NEW
                ]
                await uow.review_log.add(user_id, entries, ())
            # A learner with many thousands of cards does not keep the others waiting.
            await asyncio.sleep(0)


def _entry(review_id: ReviewId, before: Card, after: Card, regime: Regime, sequence: int) -> Review:
    schedule = after.progress.schedule
    due = schedule.due_at if schedule.due_day is None else regime.days.start_of(schedule.due_day)
    return Review(
        id=review_id,
        card_id=after.id,
        kind=ReviewKind.RESCHEDULED,
        rating=None,
        client_time=regime.since,
        effective_at=regime.since,
        received_at=regime.since,
        time_taken=None,
        rating_source=None,
        attempt_id=None,
        suggested_rating=None,
        imported=False,
        resets_counts=False,
        given=Outcome(
            scheduler=schedule.scheduler,
            scheduler_version=algorithm_of(regime.settings).version,
            state_before=before.progress.schedule.state,
            state_after=schedule.state,
            interval=schedule.interval,
            due_at=due,
            due_day=schedule.due_day,
            step=schedule.step,
            memory=schedule.memory,
        ),
        undone_at=None,
        sequence=sequence,
    )


def _schedules_otherwise(before: LearningSettings, after: LearningSettings) -> bool:
    return (before.fsrs_weights, before.desired_retention, before.max_days) != (
        after.fsrs_weights,
        after.desired_retention,
        after.max_days,
    )


def _check(before: LearningSettings, after: LearningSettings, fields: frozenset[str], today: date) -> None:
    """Holds a change to what the contract asks of it.

    Raises:
        InvalidInput: INVALID_FIELD, SCHEDULER_WEIGHTS_INVALID.
    """
    if "fsrs_weights" in fields and after.fsrs_weights is not None:
        check_weights(after.fsrs_weights, "settings.fsrs_weights")
    limits = after.today_limits
    if "today_limits" in fields and limits is not None and limits.day != today:
        raise InvalidInput("settings.today_limits.day", f"is {limits.day}; today is {today}")
    vacation = after.vacation
    if "vacation" in fields and vacation is not None and vacation != before.vacation:
        if vacation.last_day is not None and vacation.last_day < vacation.first_day:
            raise InvalidInput("settings.vacation.last_day", f"comes before the first day, {vacation.first_day}")
        begun = before.vacation is not None and before.vacation.first_day == vacation.first_day
        if vacation.first_day < today and not begun:
            raise InvalidInput("settings.vacation.first_day", f"is past; today is {today}")
        if begun and vacation.last_day is not None and vacation.last_day < today:
            raise InvalidInput("settings.vacation.last_day", f"is past; today is {today}")
