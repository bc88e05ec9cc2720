"""The review queue: which cards come, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from server.learning.domain.card import Card, SentenceId


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many cards wait.

    Attributes:
        due_reviews, held_back_reviews: due cards in REVIEW, as far as the day's limit goes and past it.
        due_learning: cards in steps that end within the learn-ahead.
        later_today: cards in steps that end later today.
        new_cards, held_back_new_cards: as far as the day's limit goes and past it.
    """

    due_reviews: int = 0
    due_learning: int = 0
    new_cards: int = 0
    later_today: int = 0
    held_back_reviews: int = 0
    held_back_new_cards: int = 0


def in_order(
    learning: Sequence[Card],
    reviews: Sequence[Card],
    new: Sequence[Card],
    now: datetime,
    limit: int,
    *,
    one_a_sentence: bool,
) -> list[Card]:
    """The cards to study.

    First those whose steps have ended, then reviews, then new cards, then those whose steps end soon: they are shown
    early only when nothing else is left.

    Args:
        learning: in steps that end within the learn-ahead, the earliest first.
        reviews, new: in order, within the day's limits.
        limit: cards at most.
        one_a_sentence: whether answering a card buries its siblings: then only the first one of a sentence comes.
            If not, siblings come apart as far as the others allow.
    """
    ended = [card for card in learning if _due(card) <= now]
    soon = [card for card in learning if _due(card) > now]
    everything = [*ended, *reviews, *new, *soon]
    return (_first_of_sentences(everything) if one_a_sentence else _apart(everything))[:limit]


def _due(card: Card) -> datetime:
    due = card.progress.schedule.due_at
    if due is None:
        raise ValueError("a card in steps is due at a time")
    return due


def _first_of_sentences(cards: Iterable[Card]) -> list[Card]:
    seen: dict[SentenceId, Card] = {}
    for card in cards:
        seen.setdefault(card.sentence_id, card)
    return list(seen.values())


def _apart(cards: Sequence[Card]) -> list[Card]:
    """Puts another card between siblings wherever there is one left."""
    arranged: list[Card] = []
    waiting: list[Card] = []
    for card in cards:
        arranged_last = arranged[-1].sentence_id if arranged else None
        if waiting and waiting[0].sentence_id != arranged_last:
            arranged.append(waiting.pop(0))
            arranged_last = arranged[-1].sentence_id
        if card.sentence_id == arranged_last:
            waiting.append(card)
        else:
            arranged.append(card)
    return arranged + waiting
