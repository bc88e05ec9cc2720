"""What suspending, burying and resetting cards have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias, TypeVar

from server.errors import ApplicationError
from server.kernel.clock import Clock, IdSource
from server.kernel.identity import Caller
from server.learning.domain.card import Card, CardId, card_not_found
from server.learning.domain.days import LearnerDays
from server.learning.domain.review import Event
from server.learning.domain.submission import placed
from server.learning.ports import Standing, UnitOfWorkFactory
from server.learning.recording import record
from server.learning.reply import Reply

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class CardsToChange:
    """Which cards, and when the learner did it.

    Attributes:
        ids: each once.
        client_time: by the client's clock; None: now.
    """

    ids: tuple[CardId, ...]
    client_time: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangedCards:
    """Cards after a change.

    Attributes:
        cards: those that the learner has, changed or not, as they now stand, in the order asked for.
        failures: why others are not among them.
        days: how the learner's days are counted.
    """

    cards: tuple[Card, ...]
    failures: tuple[tuple[CardId, ApplicationError], ...]
    days: LearnerDays


@dataclass(frozen=True, slots=True)
class Moment:
    """When something is done to a card.

    Attributes:
        id: of the entry in the log.
        client_time, effective_at, received_at: as in the log.
        standing: what is in force now.
    """

    id: str
    client_time: datetime
    effective_at: datetime
    received_at: datetime
    standing: Standing


MakeEvent: TypeAlias = Callable[[Card, Moment], Event]
"""What is done to a card. It goes into the log even where the card is that way already: what another device did in
between may yet arrive, and all devices have to end with the same."""


class ChangeCards:
    """Puts an event into the log of each of some cards.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
        ids: makes the entries' ids.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock, ids: IdSource) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._ids = ids

    async def __call__(
        self,
        caller: Caller,
        method: str,
        wanted: CardsToChange,
        make_event: MakeEvent,
        reply: Reply[ChangedCards, R],
    ) -> R:
        """Changes cards.

        Args:
            method: name of the RPC.
            make_event: what is done to each.

        Raises:
            AlreadyExists: REQUEST_ID_REUSED.
            OutOfRange: REVIEW_TIME_OUT_OF_RANGE when the time is so for any of the cards.
            InvalidInput: as `make_event` does.
        """
        repeat = reply.repeat
        async with self._unit_of_work() as uow:
            user_id = caller.user_id
            sequence = await uow.sequences.next(user_id)
            now = self._clock.now()
            if repeat is not None:
                first = await uow.idempotency.claim(user_id, method, repeat.request_id, repeat.body_hash, now)
                if first is not None:
                    return repeat.decode(first)
            standing = await uow.learning_settings.standing(user_id)
            cards = await uow.cards.with_siblings(user_id, wanted.ids)
            known = {card.id: card for card in cards}
            events: list[Event] = []
            for card_id in wanted.ids:
                if (card := known.get(card_id)) is not None:
                    moment = self._moment(card, wanted.client_time, now, standing)
                    events.append(make_event(card, moment))
            if events:
                known.update((await record(uow, user_id, standing, sequence, now, cards, events)).cards)
            done = _changed(wanted.ids, known, standing.regime.days)
            shown = reply.show(done)
            if repeat is not None:
                await uow.idempotency.store(user_id, method, repeat.request_id, repeat.encode(shown))
            if events or repeat is not None:
                await uow.commit()
        return shown

    def _moment(self, card: Card, client_time: datetime | None, now: datetime, standing: Standing) -> Moment:
        at = now if client_time is None else client_time
        return Moment(self._ids.new_id(), at, placed(at, card.created_at, now), now, standing)


def _changed(ids: Sequence[CardId], known: dict[CardId, Card], days: LearnerDays) -> ChangedCards:
    return ChangedCards(
        cards=tuple(known[card_id] for card_id in ids if card_id in known),
        failures=tuple((card_id, card_not_found(card_id)) for card_id in ids if card_id not in known),
        days=days,
    )
