"""Turns every failure into a designed status."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable

import grpc
import structlog

from server.errors import ApplicationError
from server.rpc.call import Call
from server.rpc.interceptors.chain import internal_error
from server.rpc.status import STATUS_OF, abort


class ErrorsInterceptor:
    """Application errors become their status; anything else INTERNAL with an id that is in the log."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("kaiwa.errors")

    async def __call__(self, call: Call, proceed: Callable[[], Awaitable[None]]) -> None:
        """Runs the call; ends it with a status when it fails."""
        try:
            await proceed()
        except (grpc.aio.AbortError, asyncio.CancelledError):
            raise
        except ApplicationError as error:
            await self._abort(call, error)
        except Exception:
            error_id = str(uuid.uuid4())
            self._log.exception("unexpected failure", error_id=error_id, method=call.method)
            await self._abort(call, internal_error(error_id))

    async def _abort(self, call: Call, error: ApplicationError) -> None:
        call.facts["code"] = STATUS_OF[error.reason].name
        call.facts["reason"] = error.reason.value
        await abort(call.context, error, (("x-request-id", call.request_id),))
