"""Background work: what runs for the account, followed and stopped."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import TYPE_CHECKING

from kaiwa.jobs.v1 import jobs_service_pb2 as jobs_pb2
from kaiwa_client import models
from kaiwa_client.auth import TokenSource
from kaiwa_client.calls import QUICK, Calls, Metadata
from kaiwa_client.mapping import jobs as mapping
from kaiwa_client.paging import collect

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from kaiwa.jobs.v1.jobs_service_pb2_grpc import JobsServiceAsyncStub

WATCH = 7200.0
"""Seconds that one watch may last."""


class Jobs:
    """The account's jobs; `KaiwaClient.jobs` is one.

    Args:
        stub: the server's.
        calls: makes the calls.
        tokens: who is signed in.
    """

    def __init__(self, stub: JobsServiceAsyncStub, calls: Calls, tokens: TokenSource) -> None:
        self._stub = stub
        self._calls = calls
        self._tokens = tokens

    async def list(self, *, kinds: Sequence[str] = (), states: Sequence[str] = (), limit: int = 50) -> list[models.Job]:
        """Jobs without their results, the newest first.

        Args:
            kinds: some of `models.JOB_KINDS`; empty for any.
            states: some of `models.JOB_STATES`; empty for any.
            limit: how many at most.
        """

        async def page(size: int, token: str) -> tuple[list[models.Job], str]:
            request = jobs_pb2.ListJobsRequest(
                kinds=map(mapping.kind_value, kinds),
                states=map(mapping.state_value, states),
                page_size=size,
                page_token=token,
            )
            response = await self._calls.signed_in(
                self._tokens, lambda metadata: self._stub.ListJobs(request, metadata=metadata, timeout=QUICK)
            )
            return [mapping.job(item) for item in response.jobs], response.next_page_token

        return await collect(page, limit)

    async def get(self, job_id: str) -> models.Job:
        """A job with its result."""
        request = jobs_pb2.GetJobRequest(job_id=job_id)
        response = await self._calls.signed_in(
            self._tokens, lambda metadata: self._stub.GetJob(request, metadata=metadata, timeout=QUICK)
        )
        return mapping.job(response.job)

    async def cancel(self, job_id: str) -> models.Job:
        """Asks a job to stop; one that runs does within about two seconds."""
        request = jobs_pb2.CancelJobRequest(job_id=job_id)
        response = await self._calls.signed_in(
            self._tokens, lambda metadata: self._stub.CancelJob(request, metadata=metadata, timeout=QUICK)
        )
        return mapping.job(response.job)

    async def watch(self, job_id: str, *, tokens: TokenSource | None = None) -> AsyncGenerator[models.Job, None]:
        """The job as it is, and again whenever it changes, to its final state; a stream that breaks is opened again.

        Args:
            tokens: who is signed in, where that is not the client's own.
        """
        request = jobs_pb2.WatchJobRequest(job_id=job_id)

        def watch(metadata: Metadata) -> AsyncIterable[jobs_pb2.WatchJobResponse]:
            return self._stub.WatchJob(request, metadata=metadata, timeout=WATCH)

        async for response in self._calls.streamed(tokens or self._tokens, watch):
            yield mapping.job(response.job)
