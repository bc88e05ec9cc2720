"""The outermost layer: gives the call its id and sends it back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from server.rpc.call import Call


class RequestContextInterceptor:
    """Binds the request id to every log line of the call and returns it in the trailers as `x-request-id`."""

    async def __call__(self, call: Call, proceed: Callable[[], Awaitable[None]]) -> None:
        """Runs the call with its id bound."""
        call.context.set_trailing_metadata((("x-request-id", call.request_id),))
        with structlog.contextvars.bound_contextvars(request_id=call.request_id):
            await proceed()
