"""Enums, times and spans from protobuf."""

from __future__ import annotations

from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from kaiwa.speech.v1 import message_parameter_pb2, span_pb2
from kaiwa_client.models import Parameter


def enum_name(value: str, prefix: str) -> str | None:
    """The contract's name of an enum value in lower case without its prefix; None for UNSPECIFIED."""
    name = value.removeprefix(prefix)
    return None if name == "UNSPECIFIED" else name.lower()


def milliseconds(duration: Duration) -> int:
    """A duration in whole milliseconds, rounded."""
    return round(duration.seconds * 1000 + duration.nanos / 1e6)


def moment(timestamp: Timestamp) -> datetime:
    """A timestamp as an aware time in UTC."""
    return timestamp.ToDatetime(tzinfo=UTC)


def span_of(message: span_pb2.AudioSpan, *, present: bool) -> tuple[int | None, int | None]:
    """Begin and end of a stretch of a recording in milliseconds; None for both where it is not set."""
    return (milliseconds(message.start), milliseconds(message.end)) if present else (None, None)


def parameter(message: message_parameter_pb2.MessageParameter) -> Parameter:
    """A named value of a finding or a notice."""
    match message.WhichOneof("value"):
        case "text":
            return Parameter(message.name, text=message.text)
        case "number":
            return Parameter(message.name, number=message.number)
        case "count":
            return Parameter(message.name, count=message.count)
        case "duration":
            return Parameter(message.name, duration_ms=milliseconds(message.duration))
        case _:
            return Parameter(message.name)
