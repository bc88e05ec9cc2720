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
