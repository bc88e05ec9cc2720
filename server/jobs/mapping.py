"""Jobs between the contract and the domain."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kaiwa.errors.v1 import error_reason_pb2
from kaiwa.jobs.v1 import job_pb2
from kaiwa.jobs.v1 import jobs_service_pb2 as pb
from server.jobs.domain.job import Failure, Job, JobState, Progress
from server.jobs.domain.kinds import JobKind
from server.jobs.domain.results import (
    AudioBatchResult,
    DeletionResult,
    ExportResult,
    ImportResult,
    OptimizationResult,
    RescoringResult,
    SimulatedScenario,
    SimulationResult,
)
from server.jobs.ports import JobFilter
from server.rpc.wire import seconds, timestamp

_KINDS: Mapping[JobKind, job_pb2.JobKind.ValueType] = MappingProxyType(
    {kind: job_pb2.JobKind.Value(f"JOB_KIND_{kind.name}") for kind in JobKind}
)
_STATES: Mapping[JobState, job_pb2.JobState.ValueType] = MappingProxyType(
    {state: job_pb2.JobState.Value(f"JOB_STATE_{state.name}") for state in JobState}
)
_KIND_OF = MappingProxyType({value: kind for kind, value in _KINDS.items()})
_STATE_OF = MappingProxyType({value: state for state, value in _STATES.items()})


def job_filter(request: pb.ListJobsRequest) -> JobFilter:
    """Which jobs a ListJobsRequest wants."""
    return JobFilter(
        frozenset(_KIND_OF[kind] for kind in request.kinds), frozenset(_STATE_OF[state] for state in request.states)
    )


def job_message(job: Job) -> job_pb2.Job:
    """A job as the contract has it."""
    message = job_pb2.Job(
        id=job.id,
        kind=_KINDS[job.kind],
        state=_STATES[job.state],
        subject_id=job.subject_id or "",
        attempts=job.attempts,
        max_attempts=job.max_attempts,
        create_time=timestamp(job.created_at),
        start_time=timestamp(job.started_at) if job.started_at else None,
        end_time=timestamp(job.ended_at) if job.ended_at else None,
        update_time=timestamp(job.updated_at),
        expire_time=timestamp(job.expires_at) if job.expires_at else None,
        progress=_progress(job.progress) if job.started_at else None,
        failure=_failure(job.failure) if job.failure else None,
    )
    _set_result(message, job)
    return message


def _progress(progress: Progress) -> job_pb2.JobProgress:
    return job_pb2.JobProgress(done=progress.done, total=progress.total, stage=progress.stage)


def _failure(failure: Failure) -> job_pb2.JobFailure:
    return job_pb2.JobFailure(
        reason=error_reason_pb2.ErrorReason.Value(failure.reason.value),
        message=failure.message,
        metadata=dict(failure.metadata),
    )


def _set_result(message: job_pb2.Job, job: Job) -> None:
    match job.result:
        case ImportResult(import_id):
            message.import_result.import_id = import_id
        case ExportResult(size_bytes):
            message.export_result.size_bytes = size_bytes
            message.export_result.expire_time.CopyFrom(message.expire_time)
        case DeletionResult(records, files):
            message.deletion_result.deleted_records = records
            message.deletion_result.deleted_files = files
        case AudioBatchResult(synthesized, reused, failed):
            made = job_pb2.AudioBatchResult(synthesized=synthesized, reused=reused, failed=failed)
            message.audio_batch_result.CopyFrom(made)
        case OptimizationResult() as fitted:
            message.optimization_result.CopyFrom(_optimization(fitted))
        case SimulationResult(scenarios):
            message.simulation_result.SetInParent()
            message.simulation_result.scenarios.extend(map(_scenario, scenarios))
        case RescoringResult(rescored, skipped, failed, version):
            scored = job_pb2.RescoringResult(
                rescored=rescored, skipped=skipped, failed=failed, assessment_version=version
            )
            message.rescoring_result.CopyFrom(scored)
        case None:
            pass


def _optimization(fitted: OptimizationResult) -> job_pb2.OptimizationResult:
    return job_pb2.OptimizationResult(
        parameters=fitted.parameters,
        review_count=fitted.review_count,
        log_loss_before=fitted.log_loss_before,
        log_loss_after=fitted.log_loss_after,
        rmse_before=fitted.rmse_before,
        rmse_after=fitted.rmse_after,
        applied=fitted.applied,
    )


def _scenario(scenario: SimulatedScenario) -> job_pb2.SimulatedScenario:
    return job_pb2.SimulatedScenario(
        desired_retention=scenario.desired_retention,
        days=(
            job_pb2.SimulatedDay(
                reviews=day.reviews,
                new_cards=day.new_cards,
                study_time=None if day.study_seconds is None else seconds(day.study_seconds),
            )
            for day in scenario.days
        ),
        remembered_cards=scenario.remembered_cards,
    )
