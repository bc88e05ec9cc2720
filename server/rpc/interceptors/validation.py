"""Holds every request message, those of streams too, against the rules in the contract."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import protovalidate
from google.protobuf.message import Message

from server.errors import ApplicationError, FieldViolation, Reason
from server.rpc.call import Call

_LISTED_BYTES = 64 * 1024
"""Up to this size all that is wrong with a message is told; of a larger one the first, since each takes its time."""


class ValidationInterceptor:
    """Checks each message with protovalidate before the method sees it."""

    def __init__(self) -> None:
        self._validator = protovalidate.Validator()

    async def __call__(self, call: Call, proceed: Callable[[], Awaitable[None]]) -> None:
        """Runs the call with its messages checked as they come."""
        call.on_request.append(self.check)
        await proceed()

    def check(self, message: Message) -> None:
        """Raises ApplicationError(INVALID_FIELD) naming every field that breaks a rule, or one of a large message."""
        found = self._validator.collect_violations(message, fail_fast=True)
        if not found:
            return
        if message.ByteSize() <= _LISTED_BYTES:
            found = self._validator.collect_violations(message)
        violations = [FieldViolation(_path(v.proto), v.proto.message) for v in found]
        raise ApplicationError(
            Reason.INVALID_FIELD,
            "; ".join(f"{v.field}: {v.description}" for v in violations[:5]),
            metadata={"field": violations[0].field},
            violations=violations,
        )


def _path(violation: protovalidate.ViolationPb) -> str:
    """The violation's field path as `config.tags[2]`."""
    parts: list[str] = []
    for element in violation.field.elements if violation.field else ():
        text = element.field_name
        if element.subscript is not None:
            text += f"[{element.subscript.value}]"
        parts.append(text)
    # The key of a map is the client's, and may be long.
    return ".".join(parts)[:200]
