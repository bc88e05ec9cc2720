"""What every mapping needs: times, page tokens, field masks."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from server.errors import InvalidInput, Reason
from server.kernel.paging import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE, PageRequest

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS = 86_400


def timestamp(at: datetime) -> Timestamp:
    """An aware time as the wire has it."""
    since = at - _EPOCH
    return Timestamp(seconds=since.days * _DAY_SECONDS + since.seconds, nanos=since.microseconds * 1000)


def moment(at: Timestamp, field: str) -> datetime:
    """A time from the wire, aware, UTC.

    Args:
        field: its path in the request, for the error.

    Raises:
        InvalidInput: outside the years 1 to 9999, or with impossible nanoseconds.
    """
    try:
        return at.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(field, "is no time between the years 1 and 9999") from None


def duration(length: timedelta) -> Duration:
    """A length of time as the wire has it."""
    message = Duration()
    message.FromTimedelta(length)
    return message


def seconds(length: float) -> Duration:
    """A length of time in seconds as the wire has it, to the microsecond."""
    return duration(timedelta(seconds=length))


class PageTokens:
    """Makes and reads page tokens: opaque, authenticated, bound to the call and its filters.

    Args:
        secret: at least 32 bytes, the same on every replica.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def request(self, method: str, request: Message) -> PageRequest:
        """Reads `page_size` and `page_token` of a list request.

        Args:
            method: name of the RPC.
            request: the request; its fields other than those two are the filter that the token is bound to.

        Raises:
            InvalidInput: INVALID_PAGE_TOKEN when the token is forged, damaged, or of another call or filter.
        """
        size: int = getattr(request, "page_size")  # noqa: B009
        token: str = getattr(request, "page_token")  # noqa: B009
        return PageRequest(
            size=min(size, MAX_PAGE_SIZE) if size > 0 else DEFAULT_PAGE_SIZE,
            after=self._open(token, self._scope(method, request)) if token else None,
        )

    def token(self, method: str, request: Message, position: Sequence[str] | None) -> str:
        """The token to continue after `position`; empty when there is nothing more."""
        if position is None:
            return ""
        payload = json.dumps(list(position), ensure_ascii=False, separators=(",", ":")).encode()
        mac = self._mac(payload, self._scope(method, request))
        return base64.urlsafe_b64encode(mac + payload).decode().rstrip("=")

    def seal(self, purpose: str, position: Sequence[str]) -> str:
        """A token for a position that is bound to a purpose instead of a list.

        Args:
            purpose: what `open` has to name.
        """
        payload = json.dumps(list(position), ensure_ascii=False, separators=(",", ":")).encode()
        mac = self._mac(payload, _purpose(purpose))
        return base64.urlsafe_b64encode(mac + payload).decode().rstrip("=")

    def open(self, purpose: str, token: str) -> tuple[str, ...]:
        """The position of a token that `seal` made.

        Raises:
            InvalidInput: INVALID_PAGE_TOKEN when it is forged, damaged, or for another purpose.
        """
        return self._open(token, _purpose(purpose))

    def _open(self, token: str, scope: bytes) -> tuple[str, ...]:
        try:
            raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        except (binascii.Error, ValueError):
            raw = b""
        mac, payload = raw[:16], raw[16:]
        if not hmac.compare_digest(mac, self._mac(payload, scope)):
            raise InvalidInput(
                "page_token",
                "is not a token of this call with these filters; start again from the first page",
                reason=Reason.INVALID_PAGE_TOKEN,
            )
        return tuple(json.loads(payload))

    def _mac(self, payload: bytes, scope: bytes) -> bytes:
        return hmac.digest(self._secret, scope + b"\0" + payload, "sha256")[:16]

    def _scope(self, method: str, request: Message) -> bytes:
        bare = type(request)()
        bare.CopyFrom(request)
        bare.ClearField("page_size")
        bare.ClearField("page_token")
        filters = bare.SerializeToString(deterministic=True)
        return hashlib.sha256(method.encode() + b"\0" + filters).digest()


def _purpose(purpose: str) -> bytes:
    return hashlib.sha256(b"purpose\0" + purpose.encode()).digest()


def masked_fields(mask: FieldMask, allowed: Collection[str], field: str = "update_mask") -> frozenset[str]:
    """The paths of an update mask.

    Args:
        mask: the request's mask.
        allowed: the paths that may be updated.
        field: the mask's own path in the request, for the error.

    Raises:
        InvalidInput: INVALID_FIELD_MASK when it is empty, is `*`, or has a path that is not allowed.
    """
    if not mask.paths:
        raise InvalidInput(field, "names no field; name those to change", reason=Reason.INVALID_FIELD_MASK)
    for path in mask.paths:
        if path not in allowed:
            raise InvalidInput(
                field,
                f"has {path[:100]!r}; it may have {', '.join(sorted(allowed))}",
                reason=Reason.INVALID_FIELD_MASK,
                metadata={"path": path[:100]},
            )
    return frozenset(mask.paths)


def body_hash(request: Message) -> bytes:
    """A digest of a request without its `request_id`, to tell a repeat from a reuse of the id."""
    bare = type(request)()
    bare.CopyFrom(request)
    bare.ClearField("request_id")
    return hashlib.sha256(bare.SerializeToString(deterministic=True)).digest()
