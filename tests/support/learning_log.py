"""A learner's log in memory, changed by the production code, and devices whose work arrives in any order."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

from hypothesis import strategies as st

from server.kernel.identity import UserId
from server.learning.domain.card import Card, CardId, Progress, Schedule, Scheduler, SentenceId, Skill
from server.learning.domain.days import LearnerDays
from server.learning.domain.review import (
    Action,
    Answer,
    AnswerEffect,
    Event,
    Mark,
    Rating,
    Reset,
    Review,
    ReviewId,
)
from server.learning.domain.settings import ALWAYS, LearningSettings, LeechAction, Regime, Regimes, Vacation
from server.learning.domain.sync import StoredSettings
from server.learning.ports import Standing, UnitOfWork
from server.learning.recording import record, replayed

START = datetime(2026, 3, 20, 12, tzinfo=UTC)
END = START + timedelta(days=90)
MIKA = UserId("0198c0de-0000-7000-8000-000000000001")


def made_id(number: int) -> str:
    """A UUID by its number."""
    return str(uuid.UUID(int=0x0198C0DE_0000_7000_8000_000000000000 + number))


def make_cards(sentences: int = 2, skills: int = 2) -> list[Card]:
    """New cards."""
    return [
        Card(
            id=CardId(made_id(16 * sentence + skill)),
            sentence_id=SentenceId(made_id(1000 + sentence)),
            skill=list(Skill)[skill],
            new_position=1,
            import_key=None,
            progress=Progress(),
            created_at=START,
            updated_at=START,
            sequence=1,
        )
        for sentence in range(sentences)
        for skill in range(skills)
    ]


@dataclass
class LearnerInMemory:
    """What the database holds of one learner, and what `record` asks of it.

    Attributes:
        effects: the answers that the statistics count.
    """

    cards: dict[CardId, Card]
    regimes: Regimes = field(default_factory=lambda: Regimes((Regime(ALWAYS, LearningSettings(), LearnerDays()),)))
    reviews: dict[ReviewId, Review] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    effects: Counter[AnswerEffect] = field(default_factory=Counter)
    sequence: int = 1

    async def take(self, events: Sequence[Event], now: datetime, undone: Collection[ReviewId] = ()) -> None:
        """A call arrives; what arrived before is passed over."""
        new = [event for event in events if event.id not in self.reviews and event not in self.marks]
        undone = [each for each in undone if self.reviews[each].undone_at is None]
        if not new and not undone:
            return
        self.sequence += 1
        touched = {self.cards[event.card_id].sentence_id for event in new}
        touched |= {self.cards[self.reviews[each].card_id].sentence_id for each in undone}
        group = [card for card in self.cards.values() if card.sentence_id in touched]
        stored = StoredSettings(self.regimes.present.settings, None, 0)
        await record(self.uow, MIKA, Standing(self.regimes.present, stored), self.sequence, now, group, new, undone)
        for each in undone:
            self.reviews[each] = replace(self.reviews[each], undone_at=now)

    async def change(self, regime: Regime) -> None:
        """Settings change, as UpdateSettings does it."""
        vacations = self.regimes.present.settings.vacation
        self.regimes = Regimes((*self.regimes.all, regime))
        if regime.moves_cards or regime.settings.vacation != vacations:
            progress = await replayed(self.uow, MIKA, list(self.cards.values()), self.regimes)
            self.cards = {key: replace(card, progress=progress[key]) for key, card in self.cards.items()}

    async def from_nothing(self) -> dict[CardId, Progress]:
        """What the whole log makes of the cards."""
        return dict(await replayed(self.uow, MIKA, list(self.cards.values()), self.regimes))

    @property
    def uow(self) -> UnitOfWork:
        """The transaction that `record` works in."""

        async def regimes(user_id: UserId) -> Regimes:
            return self.regimes

        learning_settings = SimpleNamespace(regimes=regimes)
        return cast(
            UnitOfWork,
            SimpleNamespace(cards=self, review_log=self, learning_settings=learning_settings, statistics=self),
        )

    async def save(self, user_id: UserId, cards: Sequence[Card]) -> None:
        self.cards.update({card.id: card for card in cards})

    async def of_cards(self, user_id: UserId, card_ids: Collection[CardId]) -> Sequence[Review]:
        return [review for review in self.reviews.values() if review.card_id in card_ids]

    async def marks_of(self, user_id: UserId, card_ids: Collection[CardId]) -> Sequence[Mark]:
        return [mark for mark in self.marks if mark.card_id in card_ids]

    async def add(self, user_id: UserId, reviews: Sequence[Review], marks: Sequence[Mark]) -> None:
        assert not {review.id for review in reviews} & set(self.reviews)
        self.reviews.update({review.id: review for review in reviews})
        self.marks += marks

    async def apply(
        self, user_id: UserId, removed: Iterable[AnswerEffect], added: Iterable[AnswerEffect], now: datetime
    ) -> None:
        self.effects.subtract(removed)
        assert min(self.effects.values(), default=0) >= 0
        self.effects.update(added)
        self.effects = +self.effects


def ratings() -> st.SearchStrategy[Rating]:
    """Ratings, GOOD more often."""
    return st.sampled_from([Rating.AGAIN, Rating.HARD, Rating.GOOD, Rating.GOOD, Rating.EASY])


@st.composite
def events(draw: st.DrawFn, cards: Sequence[Card], most: int = 24) -> list[Event]:
    """What several devices did to cards within 90 days, some of it at the same moment."""
    times = st.one_of(
        st.integers(0, 90 * 24 * 60).map(lambda minutes: START + timedelta(minutes=minutes)),
        st.sampled_from([START + timedelta(days=day) for day in (1, 2, 30)]),
    )
    made: list[Event] = []
    for number in range(draw(st.integers(1, most))):
        card, at = draw(st.sampled_from(cards)).id, draw(times)
        identity = made_id(5000 + number)
        kind = draw(st.sampled_from(["answer"] * 8 + ["filtered", "reset", *Action]))
        if kind in ("answer", "filtered"):
            taken = draw(st.one_of(st.none(), st.integers(0, 90_000).map(lambda ms: timedelta(milliseconds=ms))))
            made.append(
                Answer(ReviewId(identity), card, draw(ratings()), at, at, END, taken, filtered=kind == "filtered")
            )
        elif kind == "reset":
            made.append(Reset(ReviewId(identity), card, at, at, END, counts=draw(st.booleans())))
        else:
            until = at.date() + timedelta(days=draw(st.integers(1, 9))) if kind == Action.BURY else None
            made.append(Mark(identity, card, Action(kind), at, at, END, until))
    return made


@st.composite
def settings(draw: st.DrawFn) -> LearningSettings:
    """Any settings."""
    steps = st.lists(st.integers(1, 3 * 86_400).map(lambda s: timedelta(seconds=s)), max_size=3).map(tuple)
    return LearningSettings(
        scheduler=draw(st.sampled_from(Scheduler)),
        desired_retention=draw(st.sampled_from([0.7, 0.85, 0.9, 0.99])),
        starting_ease=draw(st.sampled_from([1.3, 2.5, 5.0])),
        learning_steps=draw(steps),
        relearning_steps=draw(steps),
        graduating_days=draw(st.integers(1, 30)),
        easy_days=draw(st.integers(1, 60)),
        max_days=draw(st.sampled_from([1, 7, 365, 36500])),
        fuzz=draw(st.booleans()),
        bury_siblings=draw(st.booleans()),
        leech_threshold=draw(st.integers(0, 3)),
        leech_action=draw(st.sampled_from(LeechAction)),
    )


@st.composite
def regime(draw: st.DrawFn, since: datetime, before: Regime) -> Regime:
    """Other settings, another place, or a vacation, from a time on."""
    given_settings = draw(settings())
    day = before.days.day_of(since)
    vacation = draw(
        st.one_of(
            st.none(),
            st.builds(
                lambda first, length: Vacation(
                    day + timedelta(days=first), None if length == 0 else day + timedelta(days=first + length)
                ),
                st.integers(0, 20),
                st.integers(0, 20),
            ),
        )
    )
    days = draw(
        st.one_of(
            st.just(before.days),
            st.builds(
                LearnerDays,
                st.sampled_from(["UTC", "Asia/Tokyo", "America/New_York", "Europe/Berlin", "Pacific/Apia"]),
                st.sampled_from([0, 4, 23]),
            ),
        )
    )
    moves = given_settings.scheduler is not before.settings.scheduler or draw(st.booleans())
    return Regime(since, replace(given_settings, vacation=vacation), days, moves)


def new_cards_under(first: Regime, cards: Iterable[Card]) -> dict[CardId, Card]:
    """Cards that were added under a regime."""
    schedule = Schedule(scheduler=first.settings.scheduler)
    return {card.id: replace(card, progress=Progress(schedule=schedule)) for card in cards}
