"""JobsService put together."""

from __future__ import annotations

from kaiwa.jobs.v1 import jobs_service_pb2_grpc as jobs_rpc
from server.assembly.shared import Shared
from server.jobs.cancel_job import CancelJob
from server.jobs.get_job import GetJob
from server.jobs.list_jobs import ListJobs
from server.jobs.servicer import JobsServicer, JobsUseCases
from server.jobs.watch_job import WatchJob
from server.rpc.server import Service


def jobs(shared: Shared, watch_job: WatchJob) -> Service:
    """JobsService."""
    servicer = JobsServicer(
        JobsUseCases(
            get_job=GetJob(shared.unit_of_work, shared.clock),
            watch_job=watch_job,
            cancel_job=CancelJob(shared.unit_of_work, shared.clock),
            list_jobs=ListJobs(shared.unit_of_work, shared.clock),
        ),
        shared.page_tokens,
    )
    return Service("kaiwa.jobs.v1.JobsService", jobs_rpc.add_JobsServiceServicer_to_server, servicer)
