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
        Reason.INVALID_CREDENTIALS: _Code.UNAUTHENTICATED,
        Reason.ACCOUNT_INACTIVE: _Code.PERMISSION_DENIED,
        Reason.EMAIL_TAKEN: _Code.ALREADY_EXISTS,
        Reason.USERNAME_TAKEN: _Code.ALREADY_EXISTS,
        Reason.PASSWORD_TOO_COMMON: _Code.INVALID_ARGUMENT,
        Reason.PASSWORD_INCORRECT: _Code.INVALID_ARGUMENT,
        Reason.REFRESH_TOKEN_INVALID: _Code.UNAUTHENTICATED,
        Reason.REFRESH_TOKEN_REUSED: _Code.UNAUTHENTICATED,
        Reason.SESSION_NOT_FOUND: _Code.NOT_FOUND,
        Reason.VERIFICATION_TOKEN_INVALID: _Code.INVALID_ARGUMENT,
        Reason.RESET_TOKEN_INVALID: _Code.INVALID_ARGUMENT,
        Reason.TIME_ZONE_UNKNOWN: _Code.INVALID_ARGUMENT,
        Reason.USER_NOT_FOUND: _Code.NOT_FOUND,
        Reason.LAST_ADMIN: _Code.FAILED_PRECONDITION,
        Reason.ACCOUNT_DELETION_STARTED: _Code.PERMISSION_DENIED,
        Reason.EXPORT_NOT_READY: _Code.FAILED_PRECONDITION,
        Reason.EXPORT_EXPIRED: _Code.NOT_FOUND,
        Reason.EXPORT_OFFSET_OUT_OF_RANGE: _Code.OUT_OF_RANGE,
        Reason.SENTENCE_NOT_FOUND: _Code.NOT_FOUND,
        Reason.SHARED_CONTENT_NEEDS_TEACHER: _Code.PERMISSION_DENIED,
        Reason.SENTENCE_ALREADY_EXISTS: _Code.ALREADY_EXISTS,
        Reason.TEXT_NOT_JAPANESE: _Code.INVALID_ARGUMENT,
        Reason.SPAN_MISFIT: _Code.INVALID_ARGUMENT,
        Reason.ANALYZER_UNAVAILABLE: _Code.UNAVAILABLE,
        Reason.PRONUNCIATION_NOT_FOUND: _Code.NOT_FOUND,
        Reason.ACCENT_OUT_OF_RANGE: _Code.INVALID_ARGUMENT,
        Reason.RECORDING_NOT_FOUND: _Code.NOT_FOUND,
        Reason.RECORDING_LIMIT_REACHED: _Code.FAILED_PRECONDITION,
        Reason.RECORDING_UNREADABLE: _Code.INVALID_ARGUMENT,
        Reason.RECORDING_TOO_LONG: _Code.INVALID_ARGUMENT,
        Reason.UPLOAD_HEADER_MISSING: _Code.INVALID_ARGUMENT,
        Reason.UPLOAD_HEADER_REPEATED: _Code.INVALID_ARGUMENT,
        Reason.UPLOAD_EMPTY: _Code.INVALID_ARGUMENT,
        Reason.UPLOAD_TOO_LARGE: _Code.INVALID_ARGUMENT,
        Reason.UPLOAD_STALLED: _Code.DEADLINE_EXCEEDED,
        Reason.UPLOAD_OFFSET_MISMATCH: _Code.OUT_OF_RANGE,
        Reason.UPLOAD_CHECKSUM_MISMATCH: _Code.INVALID_ARGUMENT,
        Reason.UPLOAD_IN_PROGRESS: _Code.ABORTED,
        Reason.NO_SENTENCES_SELECTED: _Code.FAILED_PRECONDITION,
        Reason.IMPORT_NOT_FOUND: _Code.NOT_FOUND,
        Reason.IMPORT_WRONG_STATE: _Code.FAILED_PRECONDITION,
        Reason.IMPORT_FILE_UNEXPECTED: _Code.INVALID_ARGUMENT,
        Reason.IMPORT_FILES_MISSING: _Code.FAILED_PRECONDITION,
        Reason.IMPORT_FILE_REFUSED: _Code.FAILED_PRECONDITION,
        Reason.IMPORT_MAPPING_INVALID: _Code.INVALID_ARGUMENT,
        Reason.IMPORT_LIMIT_REACHED: _Code.RESOURCE_EXHAUSTED,
        Reason.VOICE_NOT_FOUND: _Code.NOT_FOUND,
        Reason.SYNTHESIS_UNAVAILABLE: _Code.UNAVAILABLE,
        Reason.CARD_NOT_FOUND: _Code.NOT_FOUND,
        Reason.REVIEW_NOT_FOUND: _Code.NOT_FOUND,
        Reason.REVIEW_ID_REUSED: _Code.ALREADY_EXISTS,
        Reason.REVIEW_TIME_OUT_OF_RANGE: _Code.OUT_OF_RANGE,
        Reason.REVIEW_ATTEMPT_MISMATCH: _Code.FAILED_PRECONDITION,
        Reason.UNDO_LIMIT_REACHED: _Code.FAILED_PRECONDITION,
        Reason.REVIEW_NOT_UNDOABLE: _Code.FAILED_PRECONDITION,
        Reason.SCHEDULER_WEIGHTS_INVALID: _Code.INVALID_ARGUMENT,
        Reason.TOO_FEW_REVIEWS: _Code.FAILED_PRECONDITION,
        Reason.SYNC_CURSOR_INVALID: _Code.INVALID_ARGUMENT,
        Reason.CARD_SENTENCE_INACTIVE: _Code.FAILED_PRECONDITION,
        Reason.CONFIG_REQUIRED: _Code.INVALID_ARGUMENT,
        Reason.CONFIG_REPEATED: _Code.INVALID_ARGUMENT,
        Reason.AUDIO_AFTER_FINISH: _Code.INVALID_ARGUMENT,
        Reason.CHUNK_TOO_LARGE: _Code.INVALID_ARGUMENT,
        Reason.AUDIO_ENCODING_UNSUPPORTED: _Code.INVALID_ARGUMENT,
        Reason.AUDIO_RATE_UNSUPPORTED: _Code.INVALID_ARGUMENT,
        Reason.UTTERANCE_TOO_LONG: _Code.OUT_OF_RANGE,
        Reason.IDLE_TIMEOUT: _Code.DEADLINE_EXCEEDED,
        Reason.TOO_MANY_STREAMS: _Code.RESOURCE_EXHAUSTED,
        Reason.DAILY_AUDIO_LIMIT: _Code.RESOURCE_EXHAUSTED,
        Reason.PRACTICE_ID_REUSED: _Code.ALREADY_EXISTS,
        Reason.PRACTICE_NOT_FOUND: _Code.NOT_FOUND,
        Reason.PRACTICE_LOST: _Code.ABORTED,
        Reason.PRACTICE_TAKEN_OVER: _Code.ABORTED,
        Reason.AUDIO_OFFSET_WRONG: _Code.OUT_OF_RANGE,
        Reason.TOO_MANY_PUSHES: _Code.RESOURCE_EXHAUSTED,
        Reason.SPEECH_OVERLOADED: _Code.RESOURCE_EXHAUSTED,
        Reason.SPEECH_ENGINE_UNAVAILABLE: _Code.UNAVAILABLE,
        Reason.SPEECH_MODEL_MISSING: _Code.FAILED_PRECONDITION,
        Reason.AUDIO_UNDECODABLE: _Code.INVALID_ARGUMENT,
        Reason.AUDIO_CONTAINER_UNSUPPORTED: _Code.INVALID_ARGUMENT,
        Reason.AUDIO_TOO_LARGE: _Code.INVALID_ARGUMENT,
        Reason.AUDIO_TOO_LONG: _Code.INVALID_ARGUMENT,
        Reason.AUDIO_TOO_SHORT: _Code.INVALID_ARGUMENT,
        Reason.DECODE_TIMEOUT: _Code.DEADLINE_EXCEEDED,
        Reason.ATTEMPT_NOT_FOUND: _Code.NOT_FOUND,
        Reason.ATTEMPT_AUDIO_NOT_KEPT: _Code.NOT_FOUND,
        Reason.SPEAKING_SESSION_NOT_FOUND: _Code.NOT_FOUND,
        Reason.SPEAKING_SESSION_ENDED: _Code.FAILED_PRECONDITION,
        Reason.VOICE_CANNOT: _Code.INVALID_ARGUMENT,
        Reason.UNREADABLE_TEXT: _Code.INVALID_ARGUMENT,
        Reason.PRONUNCIATION_INVALID: _Code.INVALID_ARGUMENT,
        Reason.CONTRAST_NOT_AVAILABLE: _Code.FAILED_PRECONDITION,
        Reason.SPAN_OUT_OF_RANGE: _Code.INVALID_ARGUMENT,
        Reason.RESPONSES_NOT_READ: _Code.ABORTED,
        Reason.JOB_NOT_FOUND: _Code.NOT_FOUND,
        Reason.JOB_NOT_CANCELLABLE: _Code.FAILED_PRECONDITION,
        Reason.TOO_MANY_JOBS: _Code.RESOURCE_EXHAUSTED,
        Reason.TOO_MANY_JOB_WATCHES: _Code.RESOURCE_EXHAUSTED,
        Reason.JOB_ATTEMPTS_EXHAUSTED: _Code.ABORTED,
        Reason.JOB_TIMED_OUT: _Code.DEADLINE_EXCEEDED,
    }
)
"""The status code of every reason; a test holds that it covers the enum exactly."""

_DEFAULT_RETRY_SECONDS = 1
# A client takes 8 KiB of metadata, and both the message (percent-encoded) and the details (which have it again, in
# base64) are among it. What is longer would reach it as a failure of the transport.
_MESSAGE_BYTES = 1500
_VIOLATIONS_BYTES = 2000
_FIELD_CHARACTERS = 200
_RETRYABLE = frozenset({_Code.UNAVAILABLE, _Code.RESOURCE_EXHAUSTED})


def to_status(error: ApplicationError) -> Status:
    """The google.rpc.Status of an application error.

    It has exactly one ErrorInfo; a BadRequest when fields are at fault, with as many as fit; RetryInfo always with
    UNAVAILABLE and RESOURCE_EXHAUSTED (one second where the error names no time) and wherever the error names a time.
    """
    code = STATUS_OF[error.reason]
    number: int = code.value[0]
    status = Status(code=number, message=_cut(error.message, _MESSAGE_BYTES))
    status.details.add().Pack(
        error_details_pb2.ErrorInfo(reason=error.reason.value, domain=DOMAIN, metadata=dict(error.metadata))
    )
    if error.violations:
        bad = error_details_pb2.BadRequest()
        for violation in error.violations:
            bad.field_violations.add(
                field=violation.field[:_FIELD_CHARACTERS],
                description=_cut(violation.description, _VIOLATIONS_BYTES // 2),
            )
            if bad.ByteSize() > _VIOLATIONS_BYTES:
                break
        status.details.add().Pack(bad)
    if error.retry_after is not None or code in _RETRYABLE:
        delay = Duration()
        if error.retry_after is None:
            delay.FromSeconds(_DEFAULT_RETRY_SECONDS)
        else:
            delay.FromTimedelta(error.retry_after)
        status.details.add().Pack(error_details_pb2.RetryInfo(retry_delay=delay))
    return status


def _cut(text: str, limit: int) -> str:
    """As much of a text as percent-encoding leaves within `limit` bytes, with a mark where the rest is missing."""
    size = 0
    for index, character in enumerate(text):
        size += 1 if " " <= character <= "~" and character != "%" else 3 * len(character.encode("utf-8", "replace"))
        if size > limit:
            return f"{text[:index]}…"
    return text


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
    try:
        await context.abort(
            STATUS_OF[error.reason],
            status.message,
            (*trailers, (DETAILS_KEY, status.SerializeToString())),
        )
    except grpc.aio.AbortError:
        raise
    except grpc.aio.BaseError as failure:
        # The client is gone, or was answered already: there is nobody left to tell.
        raise grpc.aio.AbortError(str(failure)) from failure
