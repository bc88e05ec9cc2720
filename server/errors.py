"""The tree of application errors.

Everything that Kaiwa refuses or fails at on purpose is an `ApplicationError` with a `Reason` of the contract
(`kaiwa.errors.v1.ErrorReason`). The edge (`server.rpc.status`) turns the reason into a status code and the rest into
rich error details; nothing here knows about gRPC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum, auto


class Reason(StrEnum):
    """The reasons of `kaiwa.errors.v1.ErrorReason`; each value is the full name of the enum value in the contract.

    A test holds that this enum and the contract's are the same.
    """

    @staticmethod
    def _generate_next_value_(name: str, *_: object) -> str:
        return f"ERROR_REASON_{name}"

    INTERNAL = auto()
    NOT_YET_AVAILABLE = auto()
    UNKNOWN_METHOD = auto()
    UNDECODABLE_REQUEST = auto()
    INVALID_FIELD = auto()
    INVALID_FIELD_MASK = auto()
    INVALID_PAGE_TOKEN = auto()
    REQUEST_ID_REUSED = auto()
    TOKEN_MISSING = auto()
    TOKEN_INVALID = auto()
    TOKEN_EXPIRED = auto()
    SESSION_REVOKED = auto()
    ROLE_REQUIRED = auto()
    RATE_LIMITED = auto()
    MESSAGE_TOO_LARGE = auto()
    SHUTTING_DOWN = auto()
    DATABASE_UNAVAILABLE = auto()
    DEADLINE_EXCEEDED = auto()
    CANCELLED = auto()
    CONCURRENT_CHANGE = auto()
    STORAGE_UNAVAILABLE = auto()

    INVALID_CREDENTIALS = auto()
    ACCOUNT_INACTIVE = auto()
    EMAIL_TAKEN = auto()
    USERNAME_TAKEN = auto()
    PASSWORD_TOO_COMMON = auto()
    PASSWORD_INCORRECT = auto()
    REFRESH_TOKEN_INVALID = auto()
    REFRESH_TOKEN_REUSED = auto()
    SESSION_NOT_FOUND = auto()
    VERIFICATION_TOKEN_INVALID = auto()
    RESET_TOKEN_INVALID = auto()
    TIME_ZONE_UNKNOWN = auto()
    USER_NOT_FOUND = auto()
    LAST_ADMIN = auto()
    ACCOUNT_DELETION_STARTED = auto()
    EXPORT_NOT_READY = auto()
    EXPORT_EXPIRED = auto()
    EXPORT_OFFSET_OUT_OF_RANGE = auto()

    SENTENCE_NOT_FOUND = auto()
    SHARED_CONTENT_NEEDS_TEACHER = auto()
    SENTENCE_ALREADY_EXISTS = auto()
    TEXT_NOT_JAPANESE = auto()
    SPAN_MISFIT = auto()
    ANALYZER_UNAVAILABLE = auto()
    PRONUNCIATION_NOT_FOUND = auto()
    ACCENT_OUT_OF_RANGE = auto()
    RECORDING_NOT_FOUND = auto()
    RECORDING_LIMIT_REACHED = auto()
    RECORDING_UNREADABLE = auto()
    RECORDING_TOO_LONG = auto()
    UPLOAD_HEADER_MISSING = auto()
    UPLOAD_HEADER_REPEATED = auto()
    UPLOAD_EMPTY = auto()
    UPLOAD_TOO_LARGE = auto()
    UPLOAD_STALLED = auto()
    UPLOAD_OFFSET_MISMATCH = auto()
    UPLOAD_CHECKSUM_MISMATCH = auto()
    UPLOAD_IN_PROGRESS = auto()
    NO_SENTENCES_SELECTED = auto()
    IMPORT_NOT_FOUND = auto()
    IMPORT_WRONG_STATE = auto()
    IMPORT_FILE_UNEXPECTED = auto()
    IMPORT_FILES_MISSING = auto()
    IMPORT_FILE_REFUSED = auto()
    IMPORT_MAPPING_INVALID = auto()
    IMPORT_LIMIT_REACHED = auto()
    VOICE_NOT_FOUND = auto()
    SYNTHESIS_UNAVAILABLE = auto()

    CARD_NOT_FOUND = auto()
    REVIEW_NOT_FOUND = auto()
    REVIEW_ID_REUSED = auto()
    REVIEW_TIME_OUT_OF_RANGE = auto()
    REVIEW_ATTEMPT_MISMATCH = auto()
    UNDO_LIMIT_REACHED = auto()
    REVIEW_NOT_UNDOABLE = auto()
    SCHEDULER_WEIGHTS_INVALID = auto()
    TOO_FEW_REVIEWS = auto()
    SYNC_CURSOR_INVALID = auto()
    CARD_SENTENCE_INACTIVE = auto()

    CONFIG_REQUIRED = auto()
    CONFIG_REPEATED = auto()
    AUDIO_AFTER_FINISH = auto()
    CHUNK_TOO_LARGE = auto()
    AUDIO_ENCODING_UNSUPPORTED = auto()
    AUDIO_RATE_UNSUPPORTED = auto()
    UTTERANCE_TOO_LONG = auto()
    IDLE_TIMEOUT = auto()
    TOO_MANY_STREAMS = auto()
    DAILY_AUDIO_LIMIT = auto()
    PRACTICE_ID_REUSED = auto()
    PRACTICE_NOT_FOUND = auto()
    PRACTICE_LOST = auto()
    PRACTICE_TAKEN_OVER = auto()
    AUDIO_OFFSET_WRONG = auto()
    TOO_MANY_PUSHES = auto()
    SPEECH_OVERLOADED = auto()
    SPEECH_ENGINE_UNAVAILABLE = auto()
    SPEECH_MODEL_MISSING = auto()
    AUDIO_UNDECODABLE = auto()
    AUDIO_CONTAINER_UNSUPPORTED = auto()
    AUDIO_TOO_LARGE = auto()
    AUDIO_TOO_LONG = auto()
    AUDIO_TOO_SHORT = auto()
    DECODE_TIMEOUT = auto()
    ATTEMPT_NOT_FOUND = auto()
    ATTEMPT_AUDIO_NOT_KEPT = auto()
    SPEAKING_SESSION_NOT_FOUND = auto()
    SPEAKING_SESSION_ENDED = auto()
    VOICE_CANNOT = auto()
    UNREADABLE_TEXT = auto()
    PRONUNCIATION_INVALID = auto()
    CONTRAST_NOT_AVAILABLE = auto()
    SPAN_OUT_OF_RANGE = auto()
    RESPONSES_NOT_READ = auto()

    JOB_NOT_FOUND = auto()
    JOB_NOT_CANCELLABLE = auto()
    TOO_MANY_JOBS = auto()
    TOO_MANY_JOB_WATCHES = auto()
    JOB_ATTEMPTS_EXHAUSTED = auto()
    JOB_TIMED_OUT = auto()


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that breaks a rule.

    Attributes:
        field: path of the field as in the contract, such as `config.audio_format.sample_rate_hertz`.
        description: what is wrong, in words for the developer of a client.
    """

    field: str
    description: str


class ApplicationError(Exception):
    """A failure with a reason in the contract.

    Args:
        reason: why, as the contract names it; decides the status code.
        message: what happened, for the developer of a client. It reaches the caller as it is: it names fields, limits
            and the caller's own values, never anything from inside the server.
        metadata: the values that the message names, for machines.
        violations: the fields that are wrong, when the request is.
        retry_after: how long to wait before trying again, when trying again can help.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after = retry_after


class InvalidInput(ApplicationError):
    """A request's field is wrong in itself or given what is stored.

    Args:
        field: path of the field as in the contract.
        description: what is wrong and what would be right.
        reason: a more exact reason than `INVALID_FIELD`, where the contract has one.
        metadata: further values beside `field`, which is always there.
    """

    def __init__(
        self,
        field: str,
        description: str,
        *,
        reason: Reason = Reason.INVALID_FIELD,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            reason,
            f"{field}: {description}",
            metadata={"field": field, **(metadata or {})},
            violations=(FieldViolation(field, description),),
        )


class NotFound(ApplicationError):
    """What was asked for does not exist, or not for this caller."""


class AlreadyExists(ApplicationError):
    """What was to be made is there already."""


class FailedPrecondition(ApplicationError):
    """The system is not in the state that the call needs."""


class OutOfRange(ApplicationError):
    """A position lies past a valid end."""


class Unauthenticated(ApplicationError):
    """The caller has not proved who they are."""


class PermissionDenied(ApplicationError):
    """The caller is known and may not do this."""


class ResourceExhausted(ApplicationError):
    """A limit or the machine's capacity is used up."""


class Unavailable(ApplicationError):
    """Something that the call needs is away for the moment."""


class Aborted(ApplicationError):
    """The work was given up because of something concurrent; start it again."""


class Unimplemented(ApplicationError):
    """The contract has it and this server does not answer it."""


class DeadlineExceeded(ApplicationError):
    """Time ran out."""
