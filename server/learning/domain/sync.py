"""What a device is told of changes on the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import TypeAlias

from server.errors import InvalidInput, Reason
from server.learning.domain.card import Card
from server.learning.domain.review import Review
from server.learning.domain.settings import LearningSettings


class Changed(IntEnum):
    """Kinds of things that change; among changes of one sequence, in this order."""

    SETTINGS = 0
    CARD = 1
    REVIEW = 2


@dataclass(frozen=True, slots=True, order=True)
class SyncPosition:
    """How far a device has read: the last change that it took.

    Attributes:
        sequence: of the transaction that changed it.
        kind, id: which of the changes of that transaction.
    """

    sequence: int = 0
    kind: int = -1
    id: str = ""


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """Settings as they are kept.

    Attributes:
        updated_at: None where they never changed.
        sequence: of the last change; 0 where there was none.
    """

    settings: LearningSettings
    updated_at: datetime | None
    sequence: int


@dataclass(frozen=True, slots=True)
class CardRemoval:
    """A card that is gone."""

    id: str
    at: datetime


Change: TypeAlias = Card | Review | StoredSettings | CardRemoval


@dataclass(frozen=True, slots=True)
class PlacedChange:
    """A change and its place among all of the learner's."""

    position: SyncPosition
    change: Change


@dataclass(frozen=True, slots=True)
class SanityCounts:
    """What a device holds that has taken every change up to `sequence`.

    Attributes:
        cards: all; of them `new`, `learning` (relearning too) and `review` by the state underneath suspension.
        reviews: those that stand.
    """

    cards: int
    new: int
    learning: int
    review: int
    suspended: int
    reviews: int
    sequence: int


def check_position(position: SyncPosition, last_sequence: int) -> None:
    """Refuses a cursor from the future: the server was restored from a backup.

    Raises:
        InvalidInput: SYNC_CURSOR_INVALID.
    """
    if position.sequence > last_sequence:
        raise cursor_invalid()


def cursor_invalid() -> InvalidInput:
    """What a device is told whose cursor is of no use here."""
    return InvalidInput(
        "cursor",
        "was not made by this server for this learner, or is ahead of it; send your reviews, then start with none",
        reason=Reason.SYNC_CURSOR_INVALID,
    )
