"""GetReviewQueue: what to study now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from server.kernel.clock import Clock
from server.kernel.identity import Caller, UserId
from server.learning.domain.card import Card, SentenceId
from server.learning.domain.days import LearnerDays
from server.learning.domain.queue import QueueCounts, in_order
from server.learning.domain.review import Outcome, Rating
from server.learning.domain.scheduling import answer, retrievability
from server.learning.domain.selection import CardFilter
from server.learning.domain.settings import Regime
from server.learning.ports import SentenceMessages, UnitOfWork, UnitOfWorkFactory

_SIBLINGS = 3
"""A sentence has a card for each skill: so many times the cards are enough for one of each sentence."""
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class QueuedCard:
    """A card to study.

    Attributes:
        sentence: a serialized `kaiwa.content.v1.Sentence`.
        previews: what each rating would give now; empty in practice without rescheduling.
        retrievability: FSRS: the chance of remembering now, 0 to 1; None under SM-2 and where the card is new.
    """

    card: Card
    sentence: bytes
    previews: tuple[tuple[Rating, Outcome], ...]
    retrievability: float | None


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """The queue.

    Attributes:
        next_learning_at: when the next card in steps that is not due yet becomes due; None: none today.
        made_at: when it was made.
        today: the learner's day.
        days: how the learner's days are counted.
    """

    cards: tuple[QueuedCard, ...]
    counts: QueueCounts
    next_learning_at: datetime | None
    made_at: datetime
    today: date
    days: LearnerDays


@dataclass(frozen=True, slots=True)
class _Found:
    cards: Sequence[Card]
    counts: QueueCounts
    next_learning_at: datetime | None = None


class GetReviewQueue:
    """Makes queues.

    Args:
        unit_of_work: opens a transaction.
        sentences: shows the cards' sentences.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, sentences: SentenceMessages, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._sentences = sentences
        self._clock = clock

    async def __call__(
        self, caller: Caller, wanted: CardFilter, limit: int, *, without_rescheduling: bool = False
    ) -> ReviewQueue:
        """What to study now; reading it changes nothing.

        Args:
            limit: cards at most.
            without_rescheduling: for practice: all that pass and are not new, the most forgotten first, whatever the
                day's limits say.
        """
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            regime = (await uow.learning_settings.standing(caller.user_id)).regime
            today = regime.days.day_of(now)
            if without_rescheduling:
                cards = await uow.study_queue.answered(caller.user_id, wanted, today, limit)
                found = _Found(_by_chance(cards, today, regime), QueueCounts())
            else:
                found = await _due(uow, caller.user_id, wanted, regime, now, limit)
        sentences = await self._sentences(caller, [card.sentence_id for card in found.cards]) if found.cards else {}
        return ReviewQueue(
            cards=tuple(
                QueuedCard(
                    card,
                    sentences[card.sentence_id],
                    () if without_rescheduling else preview(card, now, regime),
                    retrievability(card.progress.schedule, today, regime.settings),
                )
                for card in found.cards
                if card.sentence_id in sentences
            ),
            counts=found.counts,
            next_learning_at=found.next_learning_at,
            made_at=now,
            today=today,
            days=regime.days,
        )


def preview(card: Card, at: datetime, regime: Regime) -> tuple[tuple[Rating, Outcome], ...]:
    """What each rating would give at a time under what is in force."""
    vacation = regime.settings.vacation
    progress = card.progress
    return tuple(
        (
            rating,
            answer(
                progress.schedule,
                rating,
                at,
                regime,
                () if vacation is None else (vacation,),
                card.id,
                progress.counts.repetitions,
            ).outcome,
        )
        for rating in Rating
    )


async def count_waiting(
    uow: UnitOfWork, user_id: UserId, wanted: CardFilter, regime: Regime, now: datetime
) -> QueueCounts:
    """How many cards wait."""
    return (await _due(uow, user_id, wanted, regime, now, limit=1)).counts


async def _due(
    uow: UnitOfWork, user_id: UserId, wanted: CardFilter, regime: Regime, now: datetime, limit: int
) -> _Found:
    settings, days = regime.settings, regime.days
    today = days.day_of(now)
    if settings.vacation is not None and settings.vacation.covers(today):
        return _Found((), QueueCounts())
    queue = uow.study_queue
    done = await queue.done(user_id, days.start_of(today))
    reviews_left = max(0, settings.review_limit(today) - done.reviews)
    new_left = max(0, settings.new_limit(today) - done.new_cards)
    ahead = now + settings.learn_ahead
    steps = await queue.learning(user_id, wanted, today, max(days.end_of(today), ahead + _MOMENT))
    learning = [card for card in steps if (due := card.progress.schedule.due_at) is not None and due <= ahead]
    waiting = [due for card in steps if (due := card.progress.schedule.due_at) is not None and due > now]
    one = settings.bury_siblings
    reviews = await queue.reviews(user_id, wanted, today, min(reviews_left, limit))
    if one and _hides_others(reviews.cards, reviews.count):
        reviews = await queue.reviews(user_id, wanted, today, min(reviews_left, limit * _SIBLINGS))
    unseen = min(new_left, limit)
    new = await queue.new(user_id, wanted, today, settings.new_card_order, unseen)
    if one and _hides_others(new.cards, new.count):
        new = await queue.new(user_id, wanted, today, settings.new_card_order, unseen * _SIBLINGS)
    cards = in_order(
        learning,
        _by_chance(reviews.cards, today, regime),
        _within(new.cards, new_left, one_a_sentence=one),
        now,
        limit,
        one_a_sentence=one,
    )
    counts = QueueCounts(
        due_reviews=min(reviews.count, reviews_left),
        due_learning=len(learning),
        new_cards=min(new.count, new_left),
        later_today=len(steps) - len(learning),
        held_back_reviews=max(0, reviews.count - reviews_left),
        held_back_new_cards=max(0, new.count - new_left),
    )
    return _Found(cards, counts, min(waiting, default=None))


def _by_chance(cards: Sequence[Card], today: date, regime: Regime) -> Sequence[Card]:
    """The most forgotten first; those of which no chance is known stay where they are."""
    chances = {card.id: retrievability(card.progress.schedule, today, regime.settings) for card in cards}
    if any(chance is None for chance in chances.values()):
        return cards
    return sorted(cards, key=lambda card: chances[card.id] or 0.0)


def _hides_others(cards: Sequence[Card], count: int) -> bool:
    """Whether siblings among the cards that were read take the place of cards that were not."""
    return count > len(cards) > len({card.sentence_id for card in cards})


def _within(cards: Sequence[Card], limit: int, *, one_a_sentence: bool) -> Sequence[Card]:
    """The first new cards that the day's limit allows, siblings of each other aside where only one of them comes."""
    if not one_a_sentence:
        return cards[:limit]
    first: dict[SentenceId, Card] = {}
    for card in cards:
        first.setdefault(card.sentence_id, card)
    return list(first.values())[:limit]
