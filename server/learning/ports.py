"""What learning needs from outside."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import TracebackType
from typing import Protocol, Self, TypeAlias

from server.kernel.identity import Caller, UserId
from server.kernel.paging import Page, PageRequest
from server.learning.domain.card import Card, CardId, SentenceId
from server.learning.domain.review import AnswerEffect, AttemptId, Mark, Rating, Review, ReviewId
from server.learning.domain.selection import CardFilter, CardSelection
from server.learning.domain.settings import LearningSettings, NewCardOrder, Regime, Regimes
from server.learning.domain.sync import PlacedChange, SanityCounts, StoredSettings, SyncPosition


@dataclass(frozen=True, slots=True)
class Standing:
    """What is in force for a learner now.

    Attributes:
        regime: the settings and the days, and since when they are in force.
        stored: the settings as they are kept.
    """

    regime: Regime
    stored: StoredSettings


class Sequences(Protocol):
    """Gives out the server's sequence of a learner's changes."""

    async def next(self, user_id: UserId) -> int:
        """The next sequence, for all changes of this transaction.

        Until the transaction ends no other one gets the learner's next, so that sequences become visible in order.
        It is the lock of all that learning changes of a learner.
        """
        ...

    async def last(self, user_id: UserId) -> int:
        """The last one given out and committed; 0 when there was none. No next one until the transaction ends."""
        ...


class CardRepository(Protocol):
    """Stores cards. Cards that are gone are never found."""

    async def get_many(self, user_id: UserId, card_ids: Collection[CardId]) -> Sequence[Card]:
        """Those of the cards that are the learner's, in any order."""
        ...

    async def with_siblings(self, user_id: UserId, card_ids: Collection[CardId]) -> Sequence[Card]:
        """Those of the cards that are the learner's, and all cards of their sentences, in any order."""
        ...

    async def of_sentences(self, user_id: UserId, sentence_ids: Collection[SentenceId]) -> Sequence[Card]:
        """The learner's cards of some sentences, the oldest first."""
        ...

    async def sentences_after(self, user_id: UserId, after: SentenceId | None, count: int) -> Sequence[SentenceId]:
        """The first sentences after one, in the order of their ids, that the learner has cards of."""
        ...

    async def learners_after(self, after: UserId | None, count: int) -> Sequence[UserId]:
        """The first learners after one, in the order of their ids, who have cards."""
        ...

    async def find(self, user_id: UserId, selection: CardSelection, page: PageRequest) -> Page[Card]:
        """A page of cards in the order in which they were added."""
        ...

    async def last_new_position(self, user_id: UserId) -> int:
        """The greatest place in the order of new cards; 0 when there is none."""
        ...

    async def add(self, user_id: UserId, cards: Sequence[Card]) -> None:
        """Stores new cards."""
        ...

    async def save(self, user_id: UserId, cards: Sequence[Card]) -> None:
        """Stores the progress, the time and the sequence of cards that changed."""
        ...


class ReviewLog(Protocol):
    """Stores the log of reviews and of marks."""

    async def find(self, user_id: UserId, review_ids: Collection[ReviewId]) -> Mapping[ReviewId, Review]:
        """Those of the reviews that are the learner's, undone ones too."""
        ...

    async def of_cards(self, user_id: UserId, card_ids: Collection[CardId]) -> Sequence[Review]:
        """All reviews of some cards, undone ones too, in any order."""
        ...

    async def newest(self, user_id: UserId, card_id: CardId, count: int) -> Sequence[Review]:
        """The newest reviews of a card by their place in the log, undone ones too, the newest first."""
        ...

    async def latest_answers(self, user_id: UserId, count: int) -> Sequence[ReviewId]:
        """The learner's latest answers that stand and were given here, by their place in the log, the latest first."""
        ...

    async def marks_of(self, user_id: UserId, card_ids: Collection[CardId]) -> Sequence[Mark]:
        """All marks of some cards, in any order."""
        ...

    async def add(self, user_id: UserId, reviews: Sequence[Review], marks: Sequence[Mark]) -> None:
        """Puts entries into the log."""
        ...

    async def undo(self, user_id: UserId, review_id: ReviewId, at: datetime, sequence: int) -> None:
        """Marks a review as taken back."""
        ...


class SettingsRepository(Protocol):
    """Stores settings and how they came to be."""

    async def standing(self, user_id: UserId) -> Standing:
        """What is in force now."""
        ...

    async def regimes(self, user_id: UserId) -> Regimes:
        """All that ever was in force; the present one last."""
        ...

    async def change(
        self,
        user_id: UserId,
        change_id: str,
        before: LearningSettings,
        after: LearningSettings,
        at: datetime,
        sequence: int,
        *,
        moves_cards: bool,
    ) -> None:
        """Puts other settings in force from `at` on."""
        ...


@dataclass(frozen=True, slots=True)
class DueReviews:
    """Cards in REVIEW that are due.

    Attributes:
        cards: the most forgotten, the most forgotten first.
        count: how many are due in all.
    """

    cards: Sequence[Card]
    count: int


@dataclass(frozen=True, slots=True)
class NewCards:
    """Cards that were never answered.

    Attributes:
        cards: the first ones in the order asked for.
        count: how many there are in all.
    """

    cards: Sequence[Card]
    count: int


@dataclass(frozen=True, slots=True)
class DoneToday:
    """What of the day's limits is used up.

    Attributes:
        new_cards: cards that were answered for the first time.
        reviews: graduated cards that were answered.
    """

    new_cards: int
    reviews: int


class StudyQueue(Protocol):
    """Finds cards to study: those that are not suspended, not buried on the day, and of a sentence that the learner
    may see."""

    async def done(self, user_id: UserId, day_start: datetime) -> DoneToday:
        """What was answered since a day began."""
        ...

    async def learning(self, user_id: UserId, filter: CardFilter, today: date, until: datetime) -> Sequence[Card]:
        """Cards in steps that end before `until`, the earliest first; at most 1000."""
        ...

    async def reviews(self, user_id: UserId, filter: CardFilter, today: date, count: int) -> DueReviews:
        """Cards in REVIEW that are due on the day or before."""
        ...

    async def new(self, user_id: UserId, filter: CardFilter, today: date, order: NewCardOrder, count: int) -> NewCards:
        """Cards that were never answered."""
        ...

    async def answered(self, user_id: UserId, filter: CardFilter, today: date, count: int) -> Sequence[Card]:
        """Cards that are not new, due or not, the most forgotten first."""
        ...


class ChangeFeed(Protocol):
    """Tells what changed."""

    async def since(self, user_id: UserId, after: SyncPosition, last: int, count: int) -> Sequence[PlacedChange]:
        """The first changes after a position, in order.

        Args:
            last: the last sequence that counts.
        """
        ...

    async def counts(self, user_id: UserId, sequence: int) -> SanityCounts:
        """What there is, as of a sequence that is the last one."""
        ...


@dataclass(frozen=True, slots=True)
class StudiedSentence:
    """A sentence as far as cards need it.

    Attributes:
        active: whether it takes new cards.
    """

    id: SentenceId
    active: bool


class StudiedSentences(Protocol):
    """The sentences that cards are made of; another service's."""

    async def find(self, user_id: UserId, sentence_ids: Collection[SentenceId]) -> Sequence[StudiedSentence]:
        """Those of the sentences that the learner may see."""
        ...


@dataclass(frozen=True, slots=True)
class SpokenAttempt:
    """A spoken attempt as far as a review needs it.

    Attributes:
        card_id: what it answered; None: it was practice, or was deleted.
        sentence_id: what was said; None: nothing that was given, or it was deleted.
        deleted: whether the learner has deleted it: then nothing else is known.
        suggested_rating: what its grade suggests.
    """

    id: AttemptId
    card_id: CardId | None
    sentence_id: SentenceId | None
    deleted: bool
    suggested_rating: Rating | None


class SpokenAttempts(Protocol):
    """The attempts that suggest ratings; another service's."""

    async def find(self, user_id: UserId, attempt_ids: Collection[AttemptId]) -> Mapping[AttemptId, SpokenAttempt]:
        """Those of the attempts that the learner has or had."""
        ...


class StatisticsKeeper(Protocol):
    """Keeps the daily statistics equal to a recomputation from the log, in the transaction that changes the log."""

    async def apply(
        self, user_id: UserId, removed: Sequence[AnswerEffect], added: Sequence[AnswerEffect], now: datetime
    ) -> None:
        """Takes effects out of the figures and puts others in.

        Called once a transaction, under the lock of the learner's change counter, with every effect that the change of
        the log took away or brought: a new answer only adds its own; one that arrived late, or was undone, removes
        what the answers after it were and adds what they are now.
        """
        ...


class Idempotency(Protocol):
    """First answers to mutations that named a request id."""

    async def claim(
        self, user_id: UserId, method: str, request_id: str, body_hash: bytes, now: datetime
    ) -> bytes | None:
        """The first answer; None if this call is the first, which then has to `store` its answer.

        Raises:
            AlreadyExists: REQUEST_ID_REUSED.
        """
        ...

    async def store(self, user_id: UserId, method: str, request_id: str, response: bytes) -> None:
        """Keeps the first answer to a claimed id."""
        ...


class UnitOfWork(Protocol):
    """A transaction that rolls back unless it is committed."""

    @property
    def sequences(self) -> Sequences:
        """The order of changes."""
        ...

    @property
    def cards(self) -> CardRepository:
        """The cards."""
        ...

    @property
    def review_log(self) -> ReviewLog:
        """The log."""
        ...

    @property
    def learning_settings(self) -> SettingsRepository:
        """The settings."""
        ...

    @property
    def study_queue(self) -> StudyQueue:
        """What is to be studied."""
        ...

    @property
    def change_feed(self) -> ChangeFeed:
        """What changed."""
        ...

    @property
    def studied_sentences(self) -> StudiedSentences:
        """The sentences of cards."""
        ...

    @property
    def spoken_attempts(self) -> SpokenAttempts:
        """The attempts that suggest ratings."""
        ...

    @property
    def statistics(self) -> StatisticsKeeper:
        """The daily figures."""
        ...

    @property
    def idempotency(self) -> Idempotency:
        """The first answers."""
        ...

    async def commit(self) -> None:
        """Makes everything done so far durable."""
        ...

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


UnitOfWorkFactory: TypeAlias = Callable[[], UnitOfWork]


class SentenceMessages(Protocol):
    """Shows sentences as the contract has them; content's."""

    async def __call__(self, caller: Caller, sentence_ids: Sequence[SentenceId]) -> Mapping[SentenceId, bytes]:
        """Those of the sentences that the caller may see, each as a serialized `kaiwa.content.v1.Sentence`."""
        ...
