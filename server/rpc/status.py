"""Turns application errors into gRPC statuses with rich details."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from server.errors import ApplicationError, Reason

DOMAIN = "kaiwa"
DETAILS_KEY = "grpc-status-details-bin"

_Code = grpc.StatusCode

STATUS_OF: Mapping[Reason, grpc.StatusCode] = MappingProxyType(
    {
        Reason.INTERNAL: _Code.INTERNAL,
        Reason.NOT_YET_AVAILABLE: _Code.UNIMPLEMENTED,
        Reason.UNKNOWN_METHOD: _Code.UNIMPLEMENTED,
        Reason.UNDECODABLE_REQUEST: _Code.INVALID_ARGUMENT,
        Reason.INVALID_FIELD: _Code.INVALID_ARGUMENT,
        Reason.INVALID_FIELD_MASK: _Code.INVALID_ARGUMENT,
        Reason.INVALID_PAGE_TOKEN: _Code.INVALID_ARGUMENT,
        Reason.REQUEST_ID_REUSED: _Code.ALREADY_EXISTS,
        Reason.TOKEN_MISSING: _Code.UNAUTHENTICATED,
        Reason.TOKEN_INVALID: _Code.UNAUTHENTICATED,
        Reason.TOKEN_EXPIRED: _Code.UNAUTHENTICATED,
        Reason.SESSION_REVOKED: _Code.UNAUTHENTICATED,
        Reason.ROLE_REQUIRED: _Code.PERMISSION_DENIED,
        Reason.RATE_LIMITED: _Code.RESOURCE_EXHAUSTED,
        Reason.MESSAGE_TOO_LARGE: _Code.RESOURCE_EXHAUSTED,
        Reason.SHUTTING_DOWN: _Code.UNAVAILABLE,
        Reason.DATABASE_UNAVAILABLE: _Code.UNAVAILABLE,
        Reason.DEADLINE_EXCEEDED: _Code.DEADLINE_EXCEEDED,
        Reason.CANCELLED: _Code.CANCELLED,
        Reason.CONCURRENT_CHANGE: _Code.ABORTED,
        Reason.STORAGE_UNAVAILABLE: _Code.UNAVAILABLE,
    }
)
"""The status code of every reason; a test holds that it covers the enum exactly."""

_DEFAULT_RETRY_SECONDS = 1
_RETRYABLE = frozenset({_Code.UNAVAILABLE, _Code.RESOURCE_EXHAUSTED})


def to_status(error: ApplicationError) -> Status:
    """The google.rpc.Status of an application error.

    It has exactly one ErrorInfo; a BadRequest when fields are at fault; RetryInfo always with UNAVAILABLE and
    RESOURCE_EXHAUSTED (one second where the error names no time) and wherever the error names a time.
    """
    code = STATUS_OF[error.reason]
    number: int = code.value[0]
    status = Status(code=number, message=error.message)
    status.details.add().Pack(
        error_details_pb2.ErrorInfo(reason=error.reason.value, domain=DOMAIN, metadata=dict(error.metadata))
    )
    if error.violations:
        bad = error_details_pb2.BadRequest()
        for violation in error.violations:
            bad.field_violations.add(field=violation.field, description=violation.description)
        status.details.add().Pack(bad)
    if error.retry_after is not None or code in _RETRYABLE:
        delay = Duration()
        if error.retry_after is None:
            delay.FromSeconds(_DEFAULT_RETRY_SECONDS)
        else:
            delay.FromTimedelta(error.retry_after)
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


async def abort(
    context: grpc.aio.ServicerContext[bytes, object],
    error: ApplicationError,
    trailers: tuple[tuple[str, str | bytes], ...] = (),
) -> None:
    """Ends the call with the error's status and details.

    Raises:
        grpc.aio.AbortError: always, as gRPC wants it.
    """
    status = to_status(error)
    await context.abort(
        STATUS_OF[error.reason],
        status.message,
        (*trailers, (DETAILS_KEY, status.SerializeToString())),
    )
