"""Enums between the contract and the domain, and dates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TypeVar

from google.type.date_pb2 import Date

from kaiwa.content.v1 import sentence_pb2
from kaiwa.learning.v1 import card_pb2, review_pb2, settings_pb2
from server.errors import InvalidInput
from server.learning.domain.card import Scheduler, Skill, State
from server.learning.domain.review import Rating, RatingSource, ReviewKind
from server.learning.domain.selection import Suspended
from server.learning.domain.settings import LeechAction, NewCardOrder

_K = TypeVar("_K")
_V = TypeVar("_V")


def _reversed(pairs: Mapping[_K, _V]) -> Mapping[_V, _K]:
    return {value: key for key, value in pairs.items()}


SKILL_TO = {
    Skill.READING: card_pb2.SKILL_READING,
    Skill.LISTENING: card_pb2.SKILL_LISTENING,
    Skill.SPEAKING: card_pb2.SKILL_SPEAKING,
}
SKILL_FROM = _reversed(SKILL_TO)
STATE_TO = {
    State.NEW: card_pb2.CARD_STATE_NEW,
    State.LEARNING: card_pb2.CARD_STATE_LEARNING,
    State.REVIEW: card_pb2.CARD_STATE_REVIEW,
    State.RELEARNING: card_pb2.CARD_STATE_RELEARNING,
}
STATE_FROM: Mapping[int, State | Suspended] = {
    **{message: state for state, message in STATE_TO.items()},
    card_pb2.CARD_STATE_SUSPENDED: Suspended.SUSPENDED,
}
SCHEDULER_TO = {Scheduler.FSRS: card_pb2.SCHEDULER_FSRS_6, Scheduler.SM2: card_pb2.SCHEDULER_SM_2}
SCHEDULER_FROM = {card_pb2.SCHEDULER_UNSPECIFIED: Scheduler.FSRS, **_reversed(SCHEDULER_TO)}
RATING_TO = {
    Rating.AGAIN: review_pb2.RATING_AGAIN,
    Rating.HARD: review_pb2.RATING_HARD,
    Rating.GOOD: review_pb2.RATING_GOOD,
    Rating.EASY: review_pb2.RATING_EASY,
}
RATING_FROM = _reversed(RATING_TO)
KIND_TO = {
    ReviewKind.LEARNING: review_pb2.REVIEW_KIND_LEARNING,
    ReviewKind.REVIEW: review_pb2.REVIEW_KIND_REVIEW,
    ReviewKind.RELEARNING: review_pb2.REVIEW_KIND_RELEARNING,
    ReviewKind.FILTERED: review_pb2.REVIEW_KIND_FILTERED,
    ReviewKind.MANUAL: review_pb2.REVIEW_KIND_MANUAL,
    ReviewKind.RESCHEDULED: review_pb2.REVIEW_KIND_RESCHEDULED,
}
RATING_SOURCE_TO = {
    RatingSource.LEARNER: review_pb2.RATING_SOURCE_LEARNER,
    RatingSource.PRACTICE: review_pb2.RATING_SOURCE_PRACTICE,
}
RATING_SOURCE_FROM = _reversed(RATING_SOURCE_TO)
LEECH_ACTION_TO = {
    LeechAction.MARK: settings_pb2.LEECH_ACTION_MARK,
    LeechAction.SUSPEND: settings_pb2.LEECH_ACTION_SUSPEND,
}
LEECH_ACTION_FROM = {settings_pb2.LEECH_ACTION_UNSPECIFIED: LeechAction.MARK, **_reversed(LEECH_ACTION_TO)}
NEW_CARD_ORDER_TO = {
    NewCardOrder.ADDED: settings_pb2.NEW_CARD_ORDER_ADDED,
    NewCardOrder.EASIEST_FIRST: settings_pb2.NEW_CARD_ORDER_EASIEST_FIRST,
}
NEW_CARD_ORDER_FROM = {
    settings_pb2.NEW_CARD_ORDER_UNSPECIFIED: NewCardOrder.ADDED,
    **_reversed(NEW_CARD_ORDER_TO),
}
JLPT_FROM = {
    sentence_pb2.JLPT_LEVEL_N5: 5,
    sentence_pb2.JLPT_LEVEL_N4: 4,
    sentence_pb2.JLPT_LEVEL_N3: 3,
    sentence_pb2.JLPT_LEVEL_N2: 2,
    sentence_pb2.JLPT_LEVEL_N1: 1,
}
SOURCE_FROM = {
    sentence_pb2.SENTENCE_SOURCE_TATOEBA: "tatoeba",
    sentence_pb2.SENTENCE_SOURCE_ANKI: "anki",
    sentence_pb2.SENTENCE_SOURCE_CUSTOM: "custom",
    sentence_pb2.SENTENCE_SOURCE_COMMUNITY: "community",
}


def date_message(day: date) -> Date:
    """A day as the wire has it."""
    return Date(year=day.year, month=day.month, day=day.day)


def day_of(message: Date, field: str) -> date:
    """A day from the wire.

    Args:
        field: its path in the request, for the error.

    Raises:
        InvalidInput: INVALID_FIELD when it is no whole day between the years 1 and 9000.
    """
    try:
        day = date(message.year, message.month, message.day)
    except ValueError:
        day = date.max
    if day.year > 9000:
        raise InvalidInput(field, "is no whole day of the calendar between the years 1 and 9000")
    return day
