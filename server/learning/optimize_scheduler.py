"""OptimizeScheduler: begins to fit the weights of FSRS to the learner's own reviews."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Generic, TypeVar

from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.learning.domain.calendar import LearnerCalendar
from server.learning.domain.training import has_enough, training_set
from server.learning.reply import Reply
from server.learning.storage import LearningJobs, U, UnitOfWorkFactory, Work

R = TypeVar("R")
_METHOD = "/kaiwa.learning.v1.LearningService/OptimizeScheduler"
_USUALLY_ENOUGH = 4000


@dataclass(frozen=True, slots=True)
class Optimization:
    """How to fit.

    Attributes:
        apply: whether the settings take the weights where they predict better than those in force.
        first_day: leaves out cards that were first answered before this day; None: none.
    """

    apply: bool
    first_day: date | None

    def document(self) -> dict[str, object]:
        """As a job's input."""
        return {"apply": self.apply, "first_day": None if self.first_day is None else self.first_day.isoformat()}

    @classmethod
    def of_document(cls, document: object) -> Optimization:
        """From a job's input."""
        match document:
            case {"apply": bool(apply), "first_day": None}:
                return cls(apply, None)
            case {"apply": bool(apply), "first_day": str(day)}:
                return cls(apply, date.fromisoformat(day))
        raise ValueError("this is no input of an optimisation")


class OptimizeScheduler(Generic[U]):
    """Starts jobs that fit weights.

    Args:
        unit_of_work: opens a transaction.
        jobs: the jobs.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory[U], jobs: LearningJobs[U], clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock

    async def __call__(self, caller: Caller, wanted: Optimization, reply: Reply[str, R]) -> R:
        """Starts one; one that is under way is answered with instead.

        Raises:
            FailedPrecondition: TOO_FEW_REVIEWS.
            ResourceExhausted: TOO_MANY_JOBS.
            AlreadyExists: REQUEST_ID_REUSED.
        """
        repeat, user_id = reply.repeat, caller.user_id
        async with self._unit_of_work() as uow:
            # Two calls at once must not each find nothing under way.
            await uow.sequences.next(user_id)
            if repeat is not None:
                now = self._clock.now()
                first = await uow.idempotency.claim(user_id, _METHOD, repeat.request_id, repeat.body_hash, now)
                if first is not None:
                    return repeat.decode(first)
            job_id = await self._jobs.under_way(uow, user_id, Work.OPTIMIZATION)
            if job_id is None:
                calendar = LearnerCalendar(await uow.learning_settings.regimes(user_id))
                # The oldest entries are enough for whoever has many, and no call waits for all of theirs to be read.
                log = await uow.statistics.logged_reviews(user_id, _USUALLY_ENOUGH)
                if len(log) < _USUALLY_ENOUGH or not has_enough(log, calendar.day_of, wanted.first_day):
                    log = await uow.statistics.logged_reviews(user_id)
                    training_set(log, calendar.day_of, wanted.first_day)
                job_id = await self._jobs.start(uow, user_id, Work.OPTIMIZATION, wanted.document())
            shown = reply.show(job_id)
            if repeat is not None:
                await uow.idempotency.store(user_id, _METHOD, repeat.request_id, repeat.encode(shown))
            await uow.commit()
        return shown
