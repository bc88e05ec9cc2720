"""SimulateWorkload: begins to simulate the work that desired retentions lead to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.learning.reply import Reply
from server.learning.storage import LearningJobs, U, UnitOfWorkFactory, Work

R = TypeVar("R")
_METHOD = "/kaiwa.learning.v1.LearningService/SimulateWorkload"


@dataclass(frozen=True, slots=True)
class Simulation:
    """What to simulate.

    Attributes:
        desired_retentions: 1 to 20, each 0.7 to 0.99.
        days: 1 to 1095.
        deck_size: 1 to 20000; None: as many cards as the learner has.
        new_cards_per_day, reviews_per_day: 0 to 9999; None: as in the settings.
    """

    desired_retentions: tuple[float, ...] = (0.70, 0.75, 0.80, 0.85, 0.90, 0.95)
    days: int = 365
    deck_size: int | None = None
    new_cards_per_day: int | None = None
    reviews_per_day: int | None = None

    def document(self) -> dict[str, object]:
        """As a job's input."""
        return {
            "desired_retentions": list(self.desired_retentions),
            "days": self.days,
            "deck_size": self.deck_size,
            "new_cards_per_day": self.new_cards_per_day,
            "reviews_per_day": self.reviews_per_day,
        }

    @classmethod
    def of_document(cls, document: object) -> Simulation:
        """From a job's input."""
        match document:
            case {
                "desired_retentions": [*retentions],
                "days": int(days),
                "deck_size": int() | None as deck_size,
                "new_cards_per_day": int() | None as new_cards,
                "reviews_per_day": int() | None as reviews,
            }:
                return cls(tuple(map(float, retentions)), days, deck_size, new_cards, reviews)
        raise ValueError("this is no input of a simulation")


class SimulateWorkload(Generic[U]):
    """Starts jobs that simulate.

    Args:
        unit_of_work: opens a transaction.
        jobs: the jobs.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory[U], jobs: LearningJobs[U], clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._jobs = jobs
        self._clock = clock

    async def __call__(self, caller: Caller, wanted: Simulation, reply: Reply[str, R]) -> R:
        """Starts one.

        Raises:
            ResourceExhausted: TOO_MANY_JOBS.
            AlreadyExists: REQUEST_ID_REUSED.
        """
        repeat, user_id = reply.repeat, caller.user_id
        async with self._unit_of_work() as uow:
            if repeat is not None:
                now = self._clock.now()
                first = await uow.idempotency.claim(user_id, _METHOD, repeat.request_id, repeat.body_hash, now)
                if first is not None:
                    return repeat.decode(first)
            shown = reply.show(await self._jobs.start(uow, user_id, Work.SIMULATION, wanted.document()))
            if repeat is not None:
                await uow.idempotency.store(user_id, _METHOD, repeat.request_id, repeat.encode(shown))
            await uow.commit()
        return shown
