"""Puts events into the log, or takes them out, and brings cards and statistics along. What use cases share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from server.kernel.identity import UserId
from server.learning.domain.card import Card, CardId, Progress, SentenceId
from server.learning.domain.replay import Replay, Subject, replay
from server.learning.domain.review import (
    KIND_IN,
    Answer,
    AnswerEffect,
    Event,
    Mark,
    Outcome,
    Reset,
    Review,
    ReviewId,
    ReviewKind,
)
from server.learning.domain.settings import Regimes
from server.learning.ports import Standing, UnitOfWork


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a change of the log did.

    Attributes:
        cards: all cards of the sentences concerned, as they now stand.
        reviews: the entries that were put in.
    """

    cards: Mapping[CardId, Card]
    reviews: Mapping[ReviewId, Review]


async def record(
    uow: UnitOfWork,
    user_id: UserId,
    standing: Standing,
    sequence: int,
    now: datetime,
    cards: Sequence[Card],
    events: Sequence[Event],
    undone: Collection[ReviewId] = (),
) -> Recorded:
    """Changes the log of a learner whose lock (`Sequences.next`) is held.

    Where every event comes after all that the cards of its sentence know, the replay goes on from the stored cards;
    otherwise their whole log is read and replayed.

    Args:
        cards: those of the events and the undone reviews, with all their siblings.
        events: what is put in.
        undone: reviews that are taken out; marking them in the log, after this, is the caller's.
    """
    groups = _by_sentence(cards)
    sentence_of = {card.id: card.sentence_id for card in cards}
    wanted: dict[SentenceId, list[Event]] = {}
    for event in sorted(events, key=lambda each: each.position):
        wanted.setdefault(sentence_of[event.card_id], []).append(event)
    late = {
        sentence
        for sentence, members in groups.items()
        if undone or not _continues(members, wanted.get(sentence, ()), standing)
    }
    history = await _History.read(uow, user_id, [card for card in cards if card.sentence_id in late])
    removed: list[AnswerEffect] = []
    added: list[AnswerEffect] = []
    changed: list[Card] = []
    outcomes: dict[ReviewId, Outcome] = {}
    for sentence, members in groups.items():
        group = wanted.get(sentence, [])
        if sentence in late:
            before = history.replay(members)
            after = history.replay(members, group, undone)
            took, brought = _difference(before.effects, after.effects)
            removed += took
            added += brought
        else:
            after = _continued(members, group, standing)
            added += after.effects.values()
        outcomes |= after.outcomes
        changed += (
            changed_card(card, after.progress[card.id], now, sequence)
            for card in members
            if after.progress[card.id] != card.progress
        )
    reviews = [_review(event, outcomes[event.id], sequence) for event in events if isinstance(event, Answer | Reset)]
    await uow.cards.save(user_id, changed)
    await uow.review_log.add(user_id, reviews, [event for event in events if isinstance(event, Mark)])
    if removed or added:
        await uow.statistics.apply(user_id, removed, added, now)
    return Recorded(
        cards={card.id: card for card in cards} | {card.id: card for card in changed},
        reviews={review.id: review for review in reviews},
    )


def changed_card(card: Card, progress: Progress, now: datetime, sequence: int) -> Card:
    """A card after a replay; where nothing of it shows, it counts as unchanged."""
    if replace(progress, last_event_at=None) == replace(card.progress, last_event_at=None):
        return replace(card, progress=progress)
    return replace(card, progress=progress, updated_at=now, sequence=sequence)


@dataclass(frozen=True, slots=True)
class _History:
    """The whole log of some cards."""

    regimes: Regimes | None
    events: Mapping[CardId, Sequence[Event]]

    @staticmethod
    async def read(uow: UnitOfWork, user_id: UserId, cards: Sequence[Card]) -> _History:
        if not cards:
            return _History(None, {})
        events = await log_of(uow, user_id, [card.id for card in cards])
        return _History(await uow.learning_settings.regimes(user_id), events)

    def replay(self, members: Sequence[Card], more: Sequence[Event] = (), without: Collection[ReviewId] = ()) -> Replay:
        if self.regimes is None:
            raise RuntimeError("no history was read")
        present = [event for card in members for event in self.events.get(card.id, ()) if event.id not in without]
        return replay(map(Subject.of, members), [*present, *more], self.regimes)


async def log_of(uow: UnitOfWork, user_id: UserId, card_ids: Collection[CardId]) -> Mapping[CardId, Sequence[Event]]:
    """All events that stand in the logs of some cards."""
    events: dict[CardId, list[Event]] = {}
    for review in await uow.review_log.of_cards(user_id, card_ids):
        if (event := review.event()) is not None:
            events.setdefault(event.card_id, []).append(event)
    for mark in await uow.review_log.marks_of(user_id, card_ids):
        events.setdefault(mark.card_id, []).append(mark)
    return events


async def replayed(
    uow: UnitOfWork, user_id: UserId, cards: Sequence[Card], regimes: Regimes
) -> Mapping[CardId, Progress]:
    """What the replay of their log from nothing makes of cards.

    Args:
        cards: with all their siblings.
    """
    log = await log_of(uow, user_id, [card.id for card in cards])
    progress: dict[CardId, Progress] = {}
    for members in _by_sentence(cards).values():
        events = [event for card in members for event in log.get(card.id, ())]
        progress.update(replay(map(Subject.of, members), events, regimes).progress)
    return progress


def _by_sentence(cards: Sequence[Card]) -> Mapping[SentenceId, Sequence[Card]]:
    groups: dict[SentenceId, list[Card]] = {}
    for card in cards:
        groups.setdefault(card.sentence_id, []).append(card)
    return groups


def _continues(members: Sequence[Card], events: Sequence[Event], standing: Standing) -> bool:
    """Whether events come after all that the cards of their sentence know, under what is in force now."""
    if not events:
        return True
    first = events[0].effective_at
    known = (card.progress.last_event_at for card in members)
    return first >= standing.regime.since and all(at is None or at < first for at in known)


def _continued(members: Sequence[Card], events: Sequence[Event], standing: Standing) -> Replay:
    vacation = standing.regime.settings.vacation
    state = Replay(
        subjects={card.id: Subject.of(card) for card in members},
        vacations=() if vacation is None else (vacation,),
        progress={card.id: card.progress for card in members},
    )
    for event in events:
        state.apply(event, standing.regime)
    return state


def _difference(
    before: Mapping[ReviewId, AnswerEffect], after: Mapping[ReviewId, AnswerEffect]
) -> tuple[Sequence[AnswerEffect], Sequence[AnswerEffect]]:
    removed = [effect for id_, effect in before.items() if after.get(id_) != effect]
    added = [effect for id_, effect in after.items() if before.get(id_) != effect]
    return removed, added


def _review(event: Answer | Reset, given: Outcome, sequence: int) -> Review:
    answer = event if isinstance(event, Answer) else None
    if answer is None:
        kind = ReviewKind.MANUAL
    else:
        kind = ReviewKind.FILTERED if answer.filtered else KIND_IN[given.state_before]
    return Review(
        id=event.id,
        card_id=event.card_id,
        kind=kind,
        rating=None if answer is None else answer.rating,
        client_time=event.client_time,
        effective_at=event.effective_at,
        received_at=event.received_at,
        time_taken=None if answer is None else answer.time_taken,
        rating_source=None if answer is None else answer.rating_source,
        attempt_id=None if answer is None else answer.attempt_id,
        suggested_rating=None if answer is None else answer.suggested_rating,
        imported=False,
        resets_counts=isinstance(event, Reset) and event.counts,
        given=given,
        undone_at=None,
        sequence=sequence,
    )
