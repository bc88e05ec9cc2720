"""One call as the interceptors see it, whatever its arity."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Protocol

import grpc
from google.protobuf.message import Message

from server.kernel.identity import Caller

_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


@dataclass(slots=True)
class Call:
    """One RPC under way.

    Attributes:
        method: full name, such as `/kaiwa.content.v1.ContentService/GetSentence`.
        context: gRPC's own context.
        metadata: the request's metadata; of a repeated key, the last value. Binary values are left out.
        request_id: the caller's `x-request-id` where it is well formed, else a new UUID. It is sent back in the
            trailers and stands in every log line of the call.
        network: where it comes from, as limits count: see `peer.network_of`. Known once it is within its limits.
        exists: whether there is such a method.
        caller: who calls, once the auth interceptor knows.
        on_request: functions that see each request message before the method does; one that raises ends the call.
        requests, responses: how many messages came and went.
        facts: what a method wants in its access log line (`audio_seconds`, say). Never anything personal.
    """

    method: str
    context: grpc.aio.ServicerContext[bytes, object]
    metadata: dict[str, str]
    request_id: str
    network: str = field(default="", repr=False)
    exists: bool = True
    caller: Caller | None = None
    on_request: list[Callable[[Message], None]] = field(default_factory=list)
    requests: int = 0
    responses: int = 0
    facts: dict[str, float | int | str] = field(default_factory=dict)

    @property
    def service(self) -> str:
        """The full name of the method's service."""
        return self.method.split("/")[1] if self.method.count("/") == 2 else ""


class Interceptor(Protocol):
    """A layer around a call; the same for unary and streaming calls in both directions."""

    async def __call__(self, call: Call, proceed: Callable[[], Awaitable[None]]) -> None:
        """Runs the rest of the call by awaiting `proceed` once, or raises to refuse it."""
        ...


_current: ContextVar[Call] = ContextVar("kaiwa_call")


def enter(call: Call) -> None:
    """Makes `call` the current one of this task and those it starts."""
    _current.set(call)


def current_call() -> Call:
    """The call that this task serves.

    Raises:
        LookupError: outside of a call.
    """
    return _current.get()


def current_caller() -> Caller:
    """The authenticated caller of this task's call.

    Raises:
        RuntimeError: in a public method, which has none; the policy table and the servicer disagree.
    """
    caller = current_call().caller
    if caller is None:
        raise RuntimeError(f"{current_call().method} asks for a caller but its policy is public")
    return caller


def read_metadata(pairs: Iterable[tuple[str, str | bytes]] | None) -> dict[str, str]:
    """The text values of gRPC metadata by key."""
    return {key: value for key, value in pairs or () if isinstance(value, str)}


def request_id_of(metadata: dict[str, str]) -> str:
    """The caller's request id when it is well formed, else a new one."""
    given = metadata.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else str(uuid.uuid4())
