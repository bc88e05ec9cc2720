"""Who does the work of each kind of job."""

from __future__ import annotations

from server.adapters.fsrs.fitting import FsrsFitting
from server.adapters.threads import Threads
from server.assembly.account_jobs import DeletionJob, ExportJob
from server.assembly.import_job import ImportJob
from server.assembly.learning_jobs import OptimizationHandler, SimulationHandler
from server.jobs.domain.kinds import JobKind
from server.learning.fit_weights import FitWeights
from server.learning.run_simulation import RunSimulation
from server.worker import Handlers, Workshop

_LEARNING_THREADS = 1
"""Simulations compute in short steps under Python's lock: more threads would not make them faster."""


def job_handlers(workshop: Workshop) -> Handlers:
    """The handler of every kind of job that can be started."""
    unit_of_work, clock, ids = workshop.unit_of_work, workshop.clock, workshop.ids
    learning = Threads(_LEARNING_THREADS, "learning")
    workshop.resources.callback(learning.close)
    return {
        JobKind.IMPORT: ImportJob(workshop),
        JobKind.EXPORT: ExportJob(workshop),
        JobKind.DELETION: DeletionJob(workshop),
        JobKind.OPTIMIZATION: OptimizationHandler(FitWeights(unit_of_work, FsrsFitting(), learning, clock, ids)),
        JobKind.SIMULATION: SimulationHandler(RunSimulation(unit_of_work, learning, clock)),
    }
