"""The jobs of learning: how they are begun, and who does their work."""

from __future__ import annotations

from collections.abc import Mapping

from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import (
    JobResult,
    OptimizationResult,
    SimulatedDay,
    SimulatedScenario,
    SimulationResult,
)
from server.jobs.run_job import Effect, Run
from server.jobs.start_job import StartJob
from server.kernel.identity import UserId
from server.learning.fit_weights import FitWeights
from server.learning.optimize_scheduler import Optimization
from server.learning.run_simulation import RunSimulation, Scenario
from server.learning.simulate_workload import Simulation
from server.learning.storage import Work


class StartLearningJob:
    """Begins jobs of learning, and finds those under way."""

    def __init__(self, start: StartJob) -> None:
        self._start = start

    async def start(self, uow: PostgresUnitOfWork, user_id: UserId, work: Work, asked: Mapping[str, object]) -> str:
        """Queues a job in the caller's transaction; returns its id."""
        return await self._start(uow, user_id, JobKind(work.value), asked)

    async def under_way(self, uow: PostgresUnitOfWork, user_id: UserId, work: Work) -> str | None:
        """The id of the learner's latest job of this sort that has not ended."""
        return await uow.jobs.latest_unfinished(user_id, JobKind(work.value))


class OptimizationHandler:
    """Fits a learner's weights."""

    def __init__(self, fit: FitWeights[PostgresUnitOfWork]) -> None:
        self._fit = fit

    async def __call__(self, run: Run[PostgresUnitOfWork]) -> Effect[PostgresUnitOfWork, JobResult]:
        """Fits, and leaves putting the weights in force to the last step."""
        wanted, user_id = Optimization.of_document(run.job.input), run.job.user_id
        fitted = await self._fit(user_id, wanted, run.report)

        async def store(uow: PostgresUnitOfWork) -> JobResult:
            applied = wanted.apply and await self._fit.put_in_force(uow, user_id, fitted)
            fit = fitted.fit
            return OptimizationResult(
                parameters=fit.weights,
                review_count=fitted.reviews,
                log_loss_before=fit.log_loss_before,
                log_loss_after=fit.log_loss_after,
                rmse_before=fit.rmse_before,
                rmse_after=fit.rmse_after,
                applied=applied,
            )

        return store


class SimulationHandler:
    """Simulates a learner's study."""

    def __init__(self, simulate: RunSimulation[PostgresUnitOfWork]) -> None:
        self._simulate = simulate

    async def __call__(self, run: Run[PostgresUnitOfWork]) -> Effect[PostgresUnitOfWork, JobResult]:
        """Simulates; only the result is stored."""
        wanted = Simulation.of_document(run.job.input)
        scenarios = await self._simulate(run.job.id, run.job.user_id, wanted, run.report)

        async def store(uow: PostgresUnitOfWork) -> JobResult:
            return SimulationResult(tuple(map(_scenario, scenarios)))

        return store


def _scenario(scenario: Scenario) -> SimulatedScenario:
    seconds = scenario.seconds or (None,) * len(scenario.reviews)
    days = zip(scenario.reviews, scenario.new_cards, seconds, strict=True)
    return SimulatedScenario(
        scenario.desired_retention,
        tuple(SimulatedDay(reviews, new_cards, taken) for reviews, new_cards, taken in days),
        scenario.remembered,
    )
