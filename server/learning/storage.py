"""What statistics, the optimiser and the simulation need from outside."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol, TypeAlias, TypeVar

from server.kernel.identity import UserId
from server.learning import ports
from server.learning.domain.card import Skill
from server.learning.domain.day_of_study import Spoken
from server.learning.domain.figures import DayAndSkill, Figures
from server.learning.domain.progress import CardGroup, DueGroup
from server.learning.domain.review import AnswerEffect
from server.learning.domain.selection import CardFilter
from server.learning.domain.simulation import AnswerCount, KnownCard
from server.learning.domain.training import Fit, LoggedReview, TrainingSet


class Statistics(Protocol):
    """Keeps daily figures, and counts what is not kept."""

    async def apply(
        self, user_id: UserId, removed: Sequence[AnswerEffect], added: Sequence[AnswerEffect], now: datetime
    ) -> None:
        """Takes effects out of the figures and puts others in; see `StatisticsKeeper`."""
        ...

    async def replace(self, user_id: UserId, figures: Mapping[DayAndSkill, Figures], now: datetime) -> None:
        """Puts figures in the place of all that are kept of a learner."""
        ...

    async def figures(
        self,
        user_id: UserId,
        first: date | None = None,
        last: date | None = None,
        skills: Collection[Skill] = (),
    ) -> Mapping[DayAndSkill, Figures]:
        """The figures of a range of days, both ends inclusive; None: without an end. No skills: all."""
        ...

    async def study_days(self, user_id: UserId) -> Sequence[date]:
        """All days with an answer, ascending."""
        ...

    async def sessions(
        self, user_id: UserId, since: datetime, until: datetime, skills: Collection[Skill] = ()
    ) -> tuple[Sequence[datetime], datetime | None]:
        """The study sessions that began from `since` on and before `until`: when, ascending, and the latest answer."""
        ...

    async def spoken(self, user_id: UserId, since: datetime, until: datetime) -> Sequence[Spoken]:
        """What was spoken from `since` on and before `until`; another service's."""
        ...

    async def card_groups(self, user_id: UserId, today: date, skills: Collection[Skill] = ()) -> Sequence[CardGroup]:
        """The learner's cards, counted by where they stand and what their sentence is. No skills: all."""
        ...

    async def sentences_started(self, user_id: UserId, skills: Collection[Skill] = ()) -> int:
        """Different sentences with a card that is not new. No skills: of any."""
        ...

    async def due_groups(self, user_id: UserId, filter: CardFilter, today: date) -> Sequence[DueGroup]:
        """Cards that are neither new nor suspended, of sentences that the learner may see, by when they are due."""
        ...

    async def logged_reviews(self, user_id: UserId, limit: int | None = None) -> Sequence[LoggedReview]:
        """The standing entries of the learner's log, in its order: the oldest `limit`; None: all."""
        ...

    async def answer_counts(self, user_id: UserId) -> Sequence[AnswerCount]:
        """The learner's answers counted by sort, practice without rescheduling left out."""
        ...

    async def known_cards(self, user_id: UserId) -> Sequence[KnownCard]:
        """The learner's cards that are not suspended, in a fixed order."""
        ...

    async def learners_changed_since(self, since: datetime, limit: int) -> Sequence[UserId]:
        """Learners whose figures changed since a time, the latest first."""
        ...

    async def learners(self, after: UserId | None, limit: int) -> Sequence[UserId]:
        """The first learners after one, in the order of their ids, who have a card."""
        ...


class UnitOfWork(ports.UnitOfWork, Protocol):
    """A transaction that rolls back unless it is committed, with all that statistics read."""

    @property
    def statistics(self) -> Statistics:
        """The figures."""
        ...


U = TypeVar("U", bound=UnitOfWork)
U_contra = TypeVar("U_contra", bound=UnitOfWork, contravariant=True)
UnitOfWorkFactory: TypeAlias = Callable[[], U]


class Work(StrEnum):
    """What learning has jobs for, by the names of their kinds."""

    OPTIMIZATION = "optimization"
    SIMULATION = "simulation"


class LearningJobs(Protocol[U_contra]):
    """The jobs of learning; another service's."""

    async def start(self, uow: U_contra, user_id: UserId, work: Work, asked: Mapping[str, object]) -> str:
        """Queues a job in the caller's transaction; returns its id.

        Raises:
            ResourceExhausted: TOO_MANY_JOBS.
        """
        ...

    async def under_way(self, uow: U_contra, user_id: UserId, work: Work) -> str | None:
        """The id of the learner's latest job of this sort that has not ended."""
        ...


class Fitting(Protocol):
    """Fits the weights of FSRS."""

    async def fit(self, task: TrainingSet, weights: Sequence[float]) -> Fit:
        """Fits weights to the reviews that are not held out, and judges them by those that are.

        Args:
            weights: those in use before.

        Raises:
            FailedPrecondition: TOO_FEW_REVIEWS.
        """
        ...


T = TypeVar("T")


class Executor(Protocol):
    """Computes off the event loop, a bounded number of things at once."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]:
        """Computes something in another thread."""
        ...


@dataclass(frozen=True, slots=True)
class Range:
    """Days that were asked for, both ends inclusive; None: not named."""

    first: date | None = None
    last: date | None = None
