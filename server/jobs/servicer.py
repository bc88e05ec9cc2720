"""JobsService: each method decodes, calls one use case, encodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

import grpc
from google.protobuf.message import Message

from kaiwa.jobs.v1 import jobs_service_pb2 as pb
from kaiwa.jobs.v1 import jobs_service_pb2_grpc as pb_grpc
from server.jobs import mapping
from server.jobs.cancel_job import CancelJob
from server.jobs.get_job import GetJob
from server.jobs.list_jobs import ListJobs
from server.jobs.watch_job import WatchJob
from server.rpc.call import current_caller
from server.rpc.wire import PageTokens

Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]


@dataclass(frozen=True, slots=True)
class JobsUseCases:
    """What JobsService answers with."""

    get_job: GetJob
    watch_job: WatchJob
    cancel_job: CancelJob
    list_jobs: ListJobs


class JobsServicer(pb_grpc.JobsServiceServicer):
    """Answers JobsService.

    Args:
        use_cases: what answers.
        page_tokens: makes and reads page tokens.
    """

    def __init__(self, use_cases: JobsUseCases, page_tokens: PageTokens) -> None:
        self._use = use_cases
        self._page_tokens = page_tokens

    async def GetJob(self, request: pb.GetJobRequest, context: Context) -> pb.GetJobResponse:
        job = await self._use.get_job(current_caller(), request.job_id.lower())
        return pb.GetJobResponse(job=mapping.job_message(job))

    async def WatchJob(self, request: pb.WatchJobRequest, context: Context) -> AsyncIterator[pb.WatchJobResponse]:
        async with aclosing(self._use.watch_job(current_caller(), request.job_id.lower())) as states:
            async for job in states:
                yield pb.WatchJobResponse(job=mapping.job_message(job))

    async def CancelJob(self, request: pb.CancelJobRequest, context: Context) -> pb.CancelJobResponse:
        job = await self._use.cancel_job(current_caller(), request.job_id.lower())
        return pb.CancelJobResponse(job=mapping.job_message(job))

    async def ListJobs(self, request: pb.ListJobsRequest, context: Context) -> pb.ListJobsResponse:
        page = await self._use.list_jobs(
            current_caller(), mapping.job_filter(request), self._page_tokens.request("ListJobs", request)
        )
        return pb.ListJobsResponse(
            jobs=map(mapping.job_message, page.items),
            next_page_token=self._page_tokens.token("ListJobs", request, page.next),
        )
