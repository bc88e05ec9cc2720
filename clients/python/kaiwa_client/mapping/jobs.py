"""Jobs from protobuf."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from kaiwa.errors.v1 import error_reason_pb2
from kaiwa.jobs.v1 import job_pb2
from kaiwa_client import models
from kaiwa_client.mapping.basics import enum_name, milliseconds, moment

_UNKNOWN = "unknown"


def job(message: job_pb2.Job) -> models.Job:
    """A job."""
    result = message.WhichOneof("result")
    return models.Job(
        id=message.id,
        kind=_name(job_pb2.JobKind, message.kind, "JOB_KIND_"),
        state=_name(job_pb2.JobState, message.state, "JOB_STATE_"),
        done=message.progress.done,
        total=message.progress.total if message.progress.HasField("total") else None,
        stage=message.progress.stage,
        subject_id=message.subject_id,
        attempts=message.attempts,
        max_attempts=message.max_attempts,
        create_time=moment(message.create_time),
        start_time=_moment(message, "start_time"),
        end_time=_moment(message, "end_time"),
        expire_time=_moment(message, "expire_time"),
        failure=_failure(message.failure) if message.HasField("failure") else None,
        result=plain(getattr(message, result)) if result else None,
    )


def plain(message: Message) -> dict[str, object]:
    """A message as plain values by the contract's names: times as datetimes, lengths of time in milliseconds."""
    values: dict[str, object] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.is_repeated:
            values[field.name] = [_plain(item) for item in value]
        elif field.message_type is not None and not message.HasField(field.name):
            values[field.name] = None
        else:
            values[field.name] = _plain(value)
    return values


def kind_value(name: str) -> job_pb2.JobKind.ValueType:
    """The contract's value for a kind such as `export`."""
    return job_pb2.JobKind.Value(f"JOB_KIND_{name.upper()}")


def state_value(name: str) -> job_pb2.JobState.ValueType:
    """The contract's value for a state such as `running`."""
    return job_pb2.JobState.Value(f"JOB_STATE_{name.upper()}")


def _plain(value: object) -> object:
    if isinstance(value, Timestamp):
        return moment(value)
    if isinstance(value, Duration):
        return milliseconds(value)
    return plain(value) if isinstance(value, Message) else value


def _moment(message: job_pb2.Job, field: str) -> datetime | None:
    return moment(getattr(message, field)) if message.HasField(field) else None  # type: ignore[arg-type]


def _name(enum: type[job_pb2.JobKind] | type[job_pb2.JobState], value: int, prefix: str) -> str:
    # A newer server may have kinds that this library does not know.
    return (enum_name(enum.Name(value), prefix) if value in enum.values() else None) or _UNKNOWN  # type: ignore[arg-type]


def _failure(message: job_pb2.JobFailure) -> models.JobFailure:
    known = message.reason in error_reason_pb2.ErrorReason.values()
    name = error_reason_pb2.ErrorReason.Name(message.reason) if known else ""
    return models.JobFailure(name.removeprefix("ERROR_REASON_"), message.message, dict(message.metadata))
