"""ListJobs."""

from __future__ import annotations

import pytest

from kaiwa.jobs.v1 import job_pb2
from kaiwa.jobs.v1 import jobs_service_pb2 as pb
from server.errors import Reason
from server.jobs.domain.job import KEPT
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import ExportResult
from tests.support.jobs import KEN, ServedJobs, token
from tests.support.talk import refused


async def page(served: ServedJobs, **fields: object) -> pb.ListJobsResponse:
    request = pb.ListJobsRequest(**fields)  # type: ignore[arg-type]
    return await served.stub.ListJobs(request, metadata=token())


@pytest.fixture
async def started(served: ServedJobs) -> list[str]:
    kinds = (JobKind.EXPORT, JobKind.IMPORT, JobKind.EXPORT)
    started = [await served.jobs.start(kind=kind) for kind in kinds]
    await served.jobs.start(KEN)
    return started


async def test_ones_own_newest_first(served: ServedJobs, started: list[str]) -> None:
    assert [job.id for job in (await page(served)).jobs] == started[::-1]


async def test_without_results(served: ServedJobs, started: list[str]) -> None:
    now = served.jobs.clock.now()
    await served.jobs.put((await served.jobs.job(started[0])).begun(now).succeeded(ExportResult(1), now))
    (done,) = (await page(served, states=[job_pb2.JOB_STATE_SUCCEEDED])).jobs
    assert (done.id, done.WhichOneof("result")) == (started[0], None)


async def test_filters(served: ServedJobs, started: list[str]) -> None:
    await served.jobs.put((await served.jobs.job(started[2])).begun(served.jobs.clock.now()))
    imports = await page(served, kinds=[job_pb2.JOB_KIND_IMPORT])
    running = await page(served, states=[job_pb2.JOB_STATE_RUNNING, job_pb2.JOB_STATE_CANCELLING])
    both = await page(served, kinds=[job_pb2.JOB_KIND_IMPORT], states=[job_pb2.JOB_STATE_RUNNING])
    assert [[job.id for job in found.jobs] for found in (imports, running, both)] == [[started[1]], [started[2]], []]


async def test_pages(served: ServedJobs, started: list[str]) -> None:
    first = await page(served, page_size=2)
    second = await page(served, page_size=2, page_token=first.next_page_token)
    assert [job.id for job in (*first.jobs, *second.jobs)] == started[::-1]
    assert second.next_page_token == ""
    failure = await refused(page(served, page_token=first.next_page_token, kinds=[job_pb2.JOB_KIND_IMPORT]))
    assert failure.reason == Reason.INVALID_PAGE_TOKEN


async def test_expired_jobs_are_not_listed(served: ServedJobs, started: list[str]) -> None:
    await served.jobs.put((await served.jobs.job(started[1])).cancelled(served.jobs.clock.now()))
    served.jobs.clock.advance(KEPT)
    assert [job.id for job in (await page(served)).jobs] == [started[2], started[0]]


@pytest.mark.parametrize("fields", [{"page_size": -1}, {"kinds": [0]}, {"states": [99]}, {"kinds": [1, 1]}])
async def test_what_breaks_a_rule(served: ServedJobs, fields: dict[str, object]) -> None:
    assert (await refused(page(served, **fields))).reason == Reason.INVALID_FIELD
