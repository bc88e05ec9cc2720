"""SimulateWorkload starts a job that tells what desired retentions cost."""

from __future__ import annotations

import pytest

from kaiwa.learning.v1 import learning_service_pb2 as pb
from server.adapters.threads import Threads
from server.assembly.learning_jobs import SimulationHandler
from server.jobs.domain.job import Job, JobState
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import SimulationResult
from server.jobs.mapping import job_message
from server.jobs.run_job import RunJob
from server.learning.run_simulation import RunSimulation
from tests.learning.test_optimize_scheduler import job
from tests.support.learning import EASY, OF_MIKA, Study, refused
from tests.support.rpc import failure_of


async def start(study: Study, **asked: object) -> str:
    request = pb.SimulateWorkloadRequest(**asked)  # type: ignore[arg-type]
    return (await study.stub.SimulateWorkload(request, metadata=OF_MIKA)).job_id


async def run(study: Study, job_id: str) -> Job:
    """Does a job as a worker does."""
    threads = Threads(1, "test")
    try:
        handler = SimulationHandler(RunSimulation(study.unit_of_work, threads, study.clock))
        await RunJob(study.unit_of_work, {JobKind.SIMULATION: handler}, study.clock)(job_id)
    finally:
        threads.close()
    return await job(study.unit_of_work, job_id)


async def test_a_new_learner_sees_scenarios_without_times(study: Study) -> None:
    done = await run(study, await start(study, days=30, deck_size=100))

    assert done.state is JobState.SUCCEEDED
    result = done.result
    assert isinstance(result, SimulationResult)
    assert [each.desired_retention for each in result.scenarios] == [0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    for scenario in result.scenarios:
        assert len(scenario.days) == 30
        # Twenty new cards a day is the default.
        assert [day.new_cards for day in scenario.days[:6]] == [20, 20, 20, 20, 20, 0]
        assert {day.study_seconds for day in scenario.days} == {None}
        assert 0 < scenario.remembered_cards <= 100
    assert not job_message(done).simulation_result.scenarios[0].days[0].HasField("study_time")
    assert (done.progress.done, done.progress.total) == (30 * 20 * 6, 30 * 20 * 6)


async def test_it_starts_from_the_learners_own_cards_and_pace(study: Study) -> None:
    for card in await study.add_cards(4):
        await study.review(card.id, EASY)

    done = await run(study, await start(study, days=60, desired_retentions=[0.9], new_cards_per_day=0))

    assert isinstance(done.result, SimulationResult)
    (scenario,) = done.result.scenarios
    assert scenario.days[0].reviews == 0
    assert sum(day.reviews for day in scenario.days) >= 4
    assert sum(day.new_cards for day in scenario.days) == 0
    for day in scenario.days:
        assert day.study_seconds == pytest.approx(day.reviews * 5)
    assert 3 < scenario.remembered_cards <= 4


async def test_the_limits_that_were_asked_for_hold(study: Study) -> None:
    asked = {"days": 20, "deck_size": 200, "desired_retentions": [0.95], "new_cards_per_day": 7, "reviews_per_day": 3}

    done = await run(study, await start(study, **asked))

    assert isinstance(done.result, SimulationResult)
    (scenario,) = done.result.scenarios
    assert max(day.reviews for day in scenario.days) == 3
    assert {day.new_cards for day in scenario.days} == {7}


async def test_each_call_starts_a_job_and_a_repeat_does_not(study: Study) -> None:
    request_id = study.new_id()

    first = await start(study, request_id=request_id)

    assert await start(study, request_id=request_id) == first
    assert await start(study) != first
    failure = failure_of(
        await refused(
            study.stub.SimulateWorkload(pb.SimulateWorkloadRequest(request_id=request_id, days=3), metadata=OF_MIKA)
        )
    )
    assert failure.reason == "ERROR_REASON_REQUEST_ID_REUSED"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"desired_retentions": [0.5]}, "desired_retentions[0]"),
        ({"days": 1096}, "days"),
        ({"deck_size": 20_001}, "deck_size"),
        ({"new_cards_per_day": -1}, "new_cards_per_day"),
    ],
)
async def test_what_is_out_of_range_is_refused(study: Study, asked: dict[str, object], field: str) -> None:
    request = pb.SimulateWorkloadRequest(**asked)  # type: ignore[arg-type]
    failure = failure_of(await refused(study.stub.SimulateWorkload(request, metadata=OF_MIKA)))

    assert (failure.reason, failure.metadata["field"]) == ("ERROR_REASON_INVALID_FIELD", field)
