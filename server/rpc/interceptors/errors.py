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
        except grpc.aio.AbortError:
            raise
        except asyncio.CancelledError:
            if _is_being_cancelled():
                raise
            # Something that the method waited for was cancelled. gRPC would leave the client waiting for an answer.
            await self._unexpected(call)
        except ApplicationError as error:
            await self._abort(call, error)
        except Exception:
            await self._unexpected(call)

    async def _unexpected(self, call: Call) -> None:
        error_id = str(uuid.uuid4())
        self._log.exception("unexpected failure", error_id=error_id, method=call.method)
        await self._abort(call, internal_error(error_id))

    async def _abort(self, call: Call, error: ApplicationError) -> None:
        call.facts["code"] = STATUS_OF[error.reason].name
        call.facts["reason"] = error.reason.value
        await abort(call.context, error, (("x-request-id", call.request_id),))


def _is_being_cancelled() -> bool:
    """Whether it is this call that is cancelled: by its client, or because the server stops."""
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0
