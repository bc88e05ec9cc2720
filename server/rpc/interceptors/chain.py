"""Wraps every method of every service, of all four arities, in the same layers.

gRPC's own interceptors see a handler of one of four shapes; a refusal of the wrong shape hangs a streaming client, and
a deserialiser that raises sends its exception text to the caller. So there is one gRPC interceptor, this one: it takes
bytes, decodes inside the layers, and runs them around a call that looks the same whatever its arity.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError, Message

from server.errors import Aborted, ApplicationError, Reason, ResourceExhausted, Unimplemented
from server.rpc.call import Call, Interceptor, enter, read_metadata, request_id_of
from server.rpc.status import abort

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
"""The largest request message. gRPC's own limit is twice that, so that this one is told with a reason."""

LONGEST_STALL = 30.0
"""Seconds that a client may leave its responses unread."""

_LONGEST_METHOD = 200
_HALF_CLOSE_DOUBT = 0.02
"""Seconds after which the end of the requests is believed to be the client's will."""

_log = logging.getLogger(__name__)

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class Chain(grpc.aio.ServerInterceptor):
    """Runs the layers around every call.

    Args:
        layers: outer to inner.
        longest_stall: how long a client may leave its responses unread, seconds.
    """

    def __init__(self, layers: Sequence[Interceptor], longest_stall: float = LONGEST_STALL) -> None:
        self._layers = tuple(layers)
        self._longest_stall = longest_stall

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler:
        """Finds the method's handler and wraps it; a method that is not there gets one that says so."""
        handler = await continuation(handler_call_details)
        # The path of a method that does not exist is the client's own text, query and all.
        method = handler_call_details.method.partition("?")[0][:_LONGEST_METHOD]
        return _wrap(handler, method, self._layers, self._longest_stall)


def _wrap(handler: Handler | None, method: str, layers: Sequence[Interceptor], longest_stall: float) -> Handler:
    if handler is None:
        return grpc.stream_stream_rpc_method_handler(_refusing(method, layers, exists=False))
    function = _function(handler)
    if function.__module__.endswith("_pb2_grpc"):
        # The generated base class's method: in the contract, but no servicer answers it yet, whatever it is asked.
        return grpc.stream_stream_rpc_method_handler(_refusing(method, layers, exists=True))
    decode = _decoder(handler.request_deserializer)

    async def with_one_request(raw: bytes, context: Context) -> bytes | None:
        call = _call(method, context)
        return await _run(call, layers, lambda: _unary_request(call, raw))

    async def with_requests(raws: AsyncIterator[bytes], context: Context) -> bytes | None:
        call = _call(method, context)
        return await _run(call, layers, lambda: _stream_request(call, raws))

    async def _unary_request(call: Call, raw: bytes) -> bytes | None:
        return await respond(call, _receive(call, decode, raw))

    async def _stream_request(call: Call, raws: AsyncIterator[bytes]) -> bytes | None:
        async def requests() -> AsyncIterator[Message]:
            async for raw in raws:
                yield _receive(call, decode, raw)
            # A connection that is cut looks like an end of the requests, until gRPC cancels this task.
            await asyncio.sleep(_HALF_CLOSE_DOUBT)

        return await respond(call, requests())

    async def respond(call: Call, request: object) -> bytes | None:
        outcome = function(request, call.context)
        if not handler.response_streaming:
            response = await outcome
            call.responses = 1
            return _encode(handler, response)
        if hasattr(outcome, "__aiter__"):
            async with aclosing(outcome) as responses:
                async for response in responses:
                    await _write(call, _encode(handler, response), longest_stall)
        else:
            # The library's services (health) write to the context themselves.
            await outcome
        return None

    if handler.request_streaming and handler.response_streaming:
        return grpc.stream_stream_rpc_method_handler(with_requests, None, _passing(handler))
    if handler.request_streaming:
        return grpc.stream_unary_rpc_method_handler(with_requests, None, None)
    if handler.response_streaming:
        return grpc.unary_stream_rpc_method_handler(with_one_request, None, _passing(handler))
    return grpc.unary_unary_rpc_method_handler(with_one_request, None, None)


async def _write(call: Call, response: bytes, longest_stall: float) -> None:
    """Sends a response; gives the call up when the client has not read for too long."""
    timer = asyncio.timeout(longest_stall)
    try:
        async with timer:
            await call.context.write(response)
    except TimeoutError:
        if not timer.expired():
            raise
        raise Aborted(
            Reason.RESPONSES_NOT_READ,
            f"The responses were not read for {longest_stall:g} s.",
            metadata={"limit_seconds": f"{longest_stall:g}"},
        ) from None
    call.responses += 1


def _function(handler: Handler) -> Callable[[object, Context], Any]:
    for name in ("unary_unary", "unary_stream", "stream_unary", "stream_stream"):
        if (function := getattr(handler, name)) is not None:
            return function  # type: ignore[no-any-return]
    raise TypeError("a method handler without a function")


def _call(method: str, context: Context) -> Call:
    metadata = read_metadata(context.invocation_metadata())
    return Call(method, context, metadata, request_id_of(metadata))


async def _run(
    call: Call, layers: Sequence[Interceptor], method: Callable[[], Awaitable[bytes | None]]
) -> bytes | None:
    """Runs the layers around the method, and answers whatever even they let through."""
    enter(call)
    answer: bytes | None = None

    async def innermost() -> None:
        nonlocal answer
        answer = await method()

    proceed: Callable[[], Awaitable[None]] = innermost
    for layer in reversed(layers):
        proceed = _bound(layer, call, proceed)
    try:
        await proceed()
    except (grpc.aio.AbortError, grpc.aio.UsageError):
        raise
    except Exception:
        # A fault in the outer layers themselves, which the errors layer can't see.
        error_id = str(uuid.uuid4())
        _log.exception("fault in the interceptors", extra={"error_id": error_id})
        await abort(call.context, internal_error(error_id))
    return answer


def _bound(layer: Interceptor, call: Call, proceed: Callable[[], Awaitable[None]]) -> Callable[[], Awaitable[None]]:
    return lambda: layer(call, proceed)


def _receive(call: Call, decode: Callable[[bytes], Message], raw: bytes) -> Message:
    if len(raw) > MAX_MESSAGE_BYTES:
        raise ResourceExhausted(
            Reason.MESSAGE_TOO_LARGE,
            f"The message has {len(raw)} bytes; {MAX_MESSAGE_BYTES} is the most this server takes.",
            metadata={"limit_bytes": str(MAX_MESSAGE_BYTES)},
        )
    message = decode(raw)
    call.requests += 1
    for look in call.on_request:
        look(message)
    return message


def _decoder(from_string: Callable[[bytes], Any] | None) -> Callable[[bytes], Message]:
    if from_string is None:
        raise TypeError("a method handler without a deserializer")
    # A class's own FromString, as the generated code registers it.
    kind: str = from_string.__self__.DESCRIPTOR.full_name  # type: ignore[attr-defined]

    def decode(raw: bytes) -> Message:
        try:
            return from_string(raw)  # type: ignore[no-any-return]
        except (DecodeError, UnicodeDecodeError, ValueError):
            raise ApplicationError(
                Reason.UNDECODABLE_REQUEST, f"The request is no {kind}.", metadata={"message": kind}
            ) from None

    return decode


def _encode(handler: Handler, response: Any) -> bytes:
    return handler.response_serializer(response) if handler.response_serializer else response


def _passing(handler: Handler) -> Callable[[Any], bytes]:
    """A serialiser that lets bytes through and serialises what a library's method writes by itself."""

    def serialize(message: Any) -> bytes:
        return message if isinstance(message, bytes) else _encode(handler, message)

    return serialize


def internal_error(error_id: str) -> ApplicationError:
    """What a caller learns of an unexpected fault: an id that is in the log."""
    return ApplicationError(
        Reason.INTERNAL,
        f"Something went wrong on our side. It is in our log as {error_id}.",
        metadata={"error_id": error_id},
    )


def _refusing(
    method: str, layers: Sequence[Interceptor], *, exists: bool
) -> Callable[[AsyncIterator[bytes], Context], Awaitable[None]]:
    """Answers a method of any arity that can't be called, without reading its requests.

    Args:
        exists: whether it is in the contract.
    """

    async def refuse() -> bytes | None:
        if exists:
            raise Unimplemented(
                Reason.NOT_YET_AVAILABLE,
                f"{method} is in the contract but this version of the server does not answer it yet.",
                metadata={"method": method},
            )
        raise Unimplemented(
            Reason.UNKNOWN_METHOD,
            "This server has no such method.",
            metadata={"method": method},
        )

    async def refused(requests: AsyncIterator[bytes], context: Context) -> None:
        call = _call(method, context)
        call.exists = exists
        await _run(call, layers, refuse)

    return refused
