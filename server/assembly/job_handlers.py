"""Who does the work of each kind of job."""

from __future__ import annotations

from server.worker import Handlers, Workshop


def job_handlers(workshop: Workshop) -> Handlers:
    """The handler of every kind of job that can be started."""
    return {}
