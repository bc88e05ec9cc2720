"""What comes of jobs, by kind. Stored as documents: a new field needs a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeAlias

from server.jobs.domain.kinds import JobKind


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Of an import: the import, which has the report."""

    import_id: str


@dataclass(frozen=True, slots=True)
class ExportResult:
    """Of an export: the size of the archive. It is kept as long as the job."""

    size_bytes: int


@dataclass(frozen=True, slots=True)
class DeletionResult:
    """Of the deletion of an account: how much there was."""

    deleted_records: int
    deleted_files: int


@dataclass(frozen=True, slots=True)
class AudioBatchResult:
    """Of an audio batch: sentences whose audio was made, was there, and could not be made."""

    synthesized: int
    reused: int
    failed: int


@dataclass(frozen=True, slots=True)
class OptimizationResult:
    """Of fitting the scheduler: the parameters and how well they predict, before and after."""

    parameters: tuple[float, ...]
    review_count: int
    log_loss_before: float
    log_loss_after: float
    rmse_before: float
    rmse_after: float
    applied: bool


@dataclass(frozen=True, slots=True)
class SimulatedDay:
    """One simulated day: means over the runs; the seconds of study are None where the pace is not known."""

    reviews: float
    new_cards: float
    study_seconds: float | None


@dataclass(frozen=True, slots=True)
class SimulatedScenario:
    """The workload that one desired retention (0-1 exclusive) leads to."""

    desired_retention: float
    days: tuple[SimulatedDay, ...]
    remembered_cards: float


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """Of a simulation: a scenario for each desired retention, in the order asked."""

    scenarios: tuple[SimulatedScenario, ...]


@dataclass(frozen=True, slots=True)
class RescoringResult:
    """Of scoring attempts again: how many were, were left as they are, and could not be."""

    rescored: int
    skipped: int
    failed: int
    assessment_version: str


JobResult: TypeAlias = (
    ImportResult
    | ExportResult
    | DeletionResult
    | AudioBatchResult
    | OptimizationResult
    | SimulationResult
    | RescoringResult
)

RESULT_OF: Mapping[JobKind, type[JobResult]] = MappingProxyType(
    {
        JobKind.IMPORT: ImportResult,
        JobKind.EXPORT: ExportResult,
        JobKind.DELETION: DeletionResult,
        JobKind.AUDIO_BATCH: AudioBatchResult,
        JobKind.OPTIMIZATION: OptimizationResult,
        JobKind.SIMULATION: SimulationResult,
        JobKind.RESCORING: RescoringResult,
    }
)
"""Which result a kind of job has."""
