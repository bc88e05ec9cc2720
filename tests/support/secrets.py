"""What must stay inside the server: planted secrets, and a search for them and for other internals."""

from __future__ import annotations

import base64
import io
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
import structlog
from google.protobuf import text_format
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from google.rpc.status_pb2 import Status

from server.adapters import log

SECRET = "planted-secret-7f3a"

_DETAILS: list[type[Message]] = [error_details_pb2.ErrorInfo, error_details_pb2.BadRequest, error_details_pb2.RetryInfo]
_INTERNAL = re.compile(
    rf"{SECRET}|Traceback|File \"|\.py\b|\bserver\.|\bgrpc\.|<class|object at 0x|Unexpected|Exception|\w+Error\b"
    r"|\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE)\b|SQLSTATE|psycopg|sqlalchemy|asyncio"
)


def told(error: grpc.aio.AioRpcError) -> str:
    """Everything that a failed call has told the client: its text, and all metadata with what is packed in it."""
    parts = [str(error.code().name), error.details() or ""]
    for key, value in (*(error.initial_metadata() or ()), *(error.trailing_metadata() or ())):
        parts.append(key)
        parts.append(value if isinstance(value, str) else repr(value))
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            parts += unpacked(Status.FromString(value))
    return "\n".join(parts)


def unpacked(status: Status) -> Iterator[str]:
    """The texts of a status and its details."""
    yield status.message
    for packed in status.details:
        kind = next(kind for kind in _DETAILS if packed.TypeName() == kind.DESCRIPTOR.full_name)
        detail = kind()
        packed.Unpack(detail)
        yield text_format.MessageToString(detail, as_utf8=True)


def internals(text: str) -> list[str]:
    """What a text has in it of the server's inside."""
    # Packed messages name their own types; the reasons of the contract may be called errors.
    cleaned = re.sub(r"type\.googleapis\.com/[\w.]+|ERROR_REASON_\w+", "", text)
    return [match.group() for match in _INTERNAL.finditer(cleaned)]


class Log:
    """The lines that the server has logged, as it writes them in production."""

    def __init__(self) -> None:
        self.written = io.StringIO()

    @property
    def text(self) -> str:
        """All of it."""
        return self.written.getvalue()

    @property
    def lines(self) -> list[dict[str, object]]:
        """Each line's fields."""
        return [json.loads(line) for line in self.text.splitlines() if line.startswith("{")]

    def of(self, error_id: str) -> dict[str, object]:
        """The line of a failure that a client knows by its id."""
        (line,) = (line for line in self.lines if line.get("error_id") == error_id)
        return line

    def holds(self, *secrets: str | bytes) -> list[str | bytes]:
        """Those secrets that stand in it, as they are, or in base64."""
        text = self.text
        return [secret for secret in secrets if any(form in text for form in _forms(secret))]


@contextmanager
def logging_as_in_production() -> Iterator[Log]:
    """Writes the log as JSON at INFO until the block ends."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    log.configure("json", "INFO")
    # The loggers of modules outlive this test and must follow the next one's configuration.
    structlog.configure(cache_logger_on_first_use=False)
    kept = Log()
    for handler in root.handlers:
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(kept.written)
    try:
        yield kept
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()


def _forms(secret: str | bytes) -> Iterator[str]:
    raw = secret.encode() if isinstance(secret, str) else secret
    if isinstance(secret, str):
        yield secret
        yield json.dumps(secret)[1:-1]
    yield repr(raw)[2:-1]
    # The middle of a base64 text depends on where in a group of three the text begins.
    for skipped in range(3):
        whole = raw[skipped : len(raw) - (len(raw) - skipped) % 3]
        if len(whole) >= 6:
            yield base64.b64encode(whole).decode()
