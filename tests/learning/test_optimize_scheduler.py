"""OptimizeScheduler starts a job that fits the weights, and puts them in force where they are better."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import grpc
import pytest
from google.type.date_pb2 import Date
from sqlalchemy import insert

from kaiwa.learning.v1 import learning_service_pb2 as pb
from server.adapters.fsrs.fitting import FsrsFitting
from server.adapters.postgres.tables import ReviewRow
from server.adapters.postgres.unit_of_work import PostgresUnitOfWork
from server.adapters.threads import Threads
from server.assembly.learning_jobs import OptimizationHandler
from server.jobs.domain.job import Job, JobState
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import OptimizationResult
from server.jobs.run_job import RunJob
from server.learning.domain.fsrs import DEFAULT_WEIGHTS
from server.learning.fit_weights import FitWeights
from tests.support.kernel import NOON, CountingIds
from tests.support.learning import MIKA, OF_MIKA, Study, refused
from tests.support.rpc import failure_of

FORGETFUL = 0.6
"""The share of reviews that the learner remembers; the default weights expect nine in ten."""


async def write_log(study: Study, cards: int, remembered: float = FORGETFUL, kind: str = "review") -> None:
    """A history of cards that were asked again after 2, 5 and 9 days."""
    dice = random.Random(1)
    rows = []
    for index, card in enumerate(await study.add_cards(cards)):
        at = NOON - timedelta(days=200 - index % 90)
        rows.append(row(study, card.id, at, 3, "learning"))
        for days in (2, 5, 9):
            at += timedelta(days=days)
            rows.append(row(study, card.id, at, 3 if dice.random() < remembered else 1, kind))
    async with study.unit_of_work() as uow:
        await uow.session.execute(insert(ReviewRow), rows)
        await uow.commit()


def row(study: Study, card_id: str, at: datetime, rating: int, kind: str) -> dict[str, object]:
    return {
        "user_id": MIKA,
        "id": study.new_id(),
        "card_id": card_id,
        "kind": kind,
        "rating": rating,
        "client_time": at,
        "effective_at": at,
        "received_at": at,
        "rating_source": "learner",
        "imported": True,
        "scheduler": "fsrs",
        "scheduler_version": "fsrs 6.3.2",
        "state_before": "new" if kind == "learning" else "review",
        "given_state": "review",
        "given_interval_seconds": 86_400,
        "sequence": 1,
    }


async def optimize(study: Study, **asked: object) -> str:
    request = pb.OptimizeSchedulerRequest(**asked)  # type: ignore[arg-type]
    return (await study.stub.OptimizeScheduler(request, metadata=OF_MIKA)).job_id


async def run(study: Study, job_id: str) -> Job:
    """Does a job as a worker does."""
    threads = Threads(1, "test")
    try:
        fit = FitWeights(study.unit_of_work, FsrsFitting(), threads, study.clock, CountingIds())
        handlers = {JobKind.OPTIMIZATION: OptimizationHandler(fit)}
        await RunJob(study.unit_of_work, handlers, study.clock)(job_id)
    finally:
        threads.close()
    return await job(study.unit_of_work, job_id)


async def job(unit_of_work: Callable[[], PostgresUnitOfWork], job_id: str) -> Job:
    async with unit_of_work() as uow:
        found = await uow.jobs.lock(job_id)
    assert found is not None
    return found


async def weights(study: Study) -> list[float]:
    return list((await study.stub.GetSettings(pb.GetSettingsRequest(), metadata=OF_MIKA)).settings.fsrs_weights)


async def test_better_weights_come_into_force(study: Study) -> None:
    await write_log(study, 150)

    done = await run(study, await optimize(study, apply=True))

    assert done.state is JobState.SUCCEEDED
    result = done.result
    assert isinstance(result, OptimizationResult)
    assert result.applied
    # A fifth of the 450 is held out, and whatever came at the same moment as the first of it.
    assert 355 <= result.review_count <= 360
    assert result.log_loss_after < result.log_loss_before
    assert await weights(study) == list(result.parameters)
    # Who forgets more often is asked again sooner.
    assert result.parameters[2] < DEFAULT_WEIGHTS[2]
    assert (done.progress.done, done.progress.total) == (450, 450)


async def test_figures_alone_change_nothing(study: Study) -> None:
    await write_log(study, 150)

    done = await run(study, await optimize(study, apply=False))

    assert isinstance(done.result, OptimizationResult)
    assert not done.result.applied
    assert await weights(study) == []


async def test_weights_that_changed_meanwhile_are_left_alone(study: Study) -> None:
    await write_log(study, 150)
    job_id = await optimize(study, apply=True)
    fit = FitWeights(study.unit_of_work, FsrsFitting(), Threads(1, "test"), study.clock, CountingIds())
    handler = OptimizationHandler(fit)
    mine = [*DEFAULT_WEIGHTS[:20], 0.2]

    class Meanwhile:
        async def __call__(self, run: object) -> object:
            effect = await handler(run)  # type: ignore[arg-type]
            await study.set(fsrs_weights=mine)
            return effect

    await RunJob(study.unit_of_work, {JobKind.OPTIMIZATION: Meanwhile()}, study.clock)(job_id)  # type: ignore[dict-item]

    done = await job(study.unit_of_work, job_id)
    assert isinstance(done.result, OptimizationResult)
    assert not done.result.applied
    assert await weights(study) == pytest.approx(mine)


async def test_weights_that_predict_no_better_are_not_taken(study: Study) -> None:
    await write_log(study, 150)
    first = await run(study, await optimize(study, apply=True))
    again = await run(study, await optimize(study, apply=True))

    assert isinstance(first.result, OptimizationResult)
    assert isinstance(again.result, OptimizationResult)
    assert (first.result.applied, again.result.applied) == (True, False)
    assert again.result.log_loss_before == pytest.approx(first.result.log_loss_after, rel=1e-5)


async def test_too_few_reviews_are_refused_at_once(study: Study) -> None:
    await write_log(study, 10)

    failure = failure_of(await refused(study.stub.OptimizeScheduler(pb.OptimizeSchedulerRequest(), metadata=OF_MIKA)))

    assert (failure.code, failure.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "ERROR_REASON_TOO_FEW_REVIEWS")
    assert failure.metadata == {"reviews": "30", "required": "400"}
    assert await study.count("jobs") == 0


async def test_practice_does_not_train(study: Study) -> None:
    await write_log(study, 150, kind="filtered")

    failure = failure_of(await refused(study.stub.OptimizeScheduler(pb.OptimizeSchedulerRequest(), metadata=OF_MIKA)))

    assert failure.metadata["reviews"] == "0"


async def test_cards_from_before_a_day_are_left_out(study: Study) -> None:
    await write_log(study, 150)
    day = (NOON - timedelta(days=150)).date()
    request = pb.OptimizeSchedulerRequest(first_day=Date(year=day.year, month=day.month, day=day.day))

    failure = failure_of(await refused(study.stub.OptimizeScheduler(request, metadata=OF_MIKA)))

    assert failure.metadata["reviews"] == "150"


async def test_one_that_is_under_way_is_answered_with(study: Study) -> None:
    await write_log(study, 150)

    first = await optimize(study, apply=True)
    assert await optimize(study) == first
    await run(study, first)
    assert await optimize(study) != first


async def test_a_repeat_is_answered_as_the_first_time(study: Study) -> None:
    await write_log(study, 150)
    request_id = study.new_id()

    first = await optimize(study, request_id=request_id)
    await run(study, first)

    assert await optimize(study, request_id=request_id) == first
    failure = failure_of(
        await refused(
            study.stub.OptimizeScheduler(
                pb.OptimizeSchedulerRequest(request_id=request_id, apply=True), metadata=OF_MIKA
            )
        )
    )
    assert failure.reason == "ERROR_REASON_REQUEST_ID_REUSED"


async def test_reviews_that_were_undone_meanwhile_fail_the_job(study: Study) -> None:
    await write_log(study, 150)
    job_id = await optimize(study)
    async with study.unit_of_work() as uow:
        await uow.session.execute(ReviewRow.__table__.update().values(undone_at=NOON))  # type: ignore[attr-defined]
        await uow.commit()

    done = await run(study, job_id)

    assert done.state is JobState.FAILED
    assert done.failure is not None
    assert dict(done.failure.metadata) == {"reviews": "0", "required": "400"}


async def test_too_many_jobs_are_refused(study: Study) -> None:
    await write_log(study, 150)
    for _ in range(10):
        await study.stub.SimulateWorkload(pb.SimulateWorkloadRequest(), metadata=OF_MIKA)

    failure = failure_of(await refused(study.stub.OptimizeScheduler(pb.OptimizeSchedulerRequest(), metadata=OF_MIKA)))

    assert failure.reason == "ERROR_REASON_TOO_MANY_JOBS"


async def test_who_has_answered_for_years_is_known_to_have_enough_by_their_oldest_answers(study: Study) -> None:
    for _ in range(3):
        await write_log(study, 400)

    assert await optimize(study)
