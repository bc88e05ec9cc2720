"""Who does the work of each kind of job."""

from __future__ import annotations

from server.assembly.account_jobs import DeletionJob, ExportJob
from server.jobs.domain.kinds import JobKind
from server.worker import Handlers, Workshop


def job_handlers(workshop: Workshop) -> Handlers:
    """The handler of every kind of job that can be started."""
    return {
        JobKind.EXPORT: ExportJob(workshop),
        JobKind.DELETION: DeletionJob(workshop),
    }
