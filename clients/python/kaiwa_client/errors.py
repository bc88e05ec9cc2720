"""What can go wrong, with the contract's reason where the server gave one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import grpc
import grpc.aio
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

_DETAILS = "grpc-status-details-bin"
_PREFIX = "ERROR_REASON_"


class KaiwaError(Exception):
    """A call failed.

    Attributes:
        message: what the server or the library says, in English.
        code: the gRPC status by name, such as `NOT_FOUND`; empty when it failed before a call was made.
        reason: the contract's reason without its prefix, such as `SENTENCE_NOT_FOUND`; None without one.
        metadata: the values that belong to the reason.
        violations: the fields at fault with what is wrong with each.
        retry_after: seconds after which the server asks to try again; None where it names no time.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        reason: str | None = None,
        metadata: Mapping[str, str] = MappingProxyType({}),
        violations: Sequence[tuple[str, str]] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata)
        self.violations = tuple(violations)
        self.retry_after = retry_after


class CallFailed(KaiwaError):
    """The server refused a call or failed at it."""


class NotSignedIn(KaiwaError):
    """Nobody is signed in, or the session has ended."""


class Unreachable(KaiwaError):
    """No Kaiwa server answered at the address."""


class AudioError(KaiwaError):
    """A recording can't be read."""


class JobFailed(CallFailed):
    """A job failed, or was cancelled; the reason is the job's."""


class DownloadDamaged(KaiwaError):
    """What arrived is not what the server has."""


class PracticeIncomplete(KaiwaError):
    """The server ended a practice without its result."""


def from_rpc(error: grpc.aio.AioRpcError, address: str) -> KaiwaError:
    """The library's error for a failed call.

    Args:
        error: as gRPC raised it.
        address: where the call went, for the message of Unreachable.
    """
    code = error.code()
    status = _rich_status(error)
    if status is None:
        text = error.details() or code.name
        if code is grpc.StatusCode.UNAVAILABLE:
            return Unreachable(f"Can't reach Kaiwa at {address}: {text}", code=code.name)
        if code is grpc.StatusCode.UNAUTHENTICATED:
            return NotSignedIn(text, code=code.name)
        return CallFailed(text, code=code.name)

    reason, metadata, violations, retry_after = None, {}, [], None
    for detail in status.details:
        info, bad, retry = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason, metadata = info.reason.removeprefix(_PREFIX), dict(info.metadata)
        elif detail.Unpack(bad):
            violations = [(item.field, item.description) for item in bad.field_violations]
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9
    kind = NotSignedIn if code is grpc.StatusCode.UNAUTHENTICATED else CallFailed
    return kind(
        status.message or error.details() or code.name,
        code=code.name,
        reason=reason,
        metadata=metadata,
        violations=violations,
        retry_after=retry_after,
    )


def _rich_status(error: grpc.aio.AioRpcError) -> Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS and isinstance(value, bytes):
            try:
                return Status.FromString(value)
            except DecodeError:
                return None
    return None
