"""One structured line and one set of measurements a call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

import grpc
import structlog

from server.rpc.call import Call

_QUIET = frozenset({"grpc.health.v1.Health"})


class CallMetrics(Protocol):
    """Where the measurements of calls go."""

    def call_started(self, method: str) -> None:
        """Counts a call under way."""
        ...

    def call_ended(self, method: str, code: str, seconds: float) -> None:
        """Takes a call off those under way and records how it ended and how long it took."""
        ...


class AccessLogInterceptor:
    """Logs method, code, reason, duration, user and message counts; never content, tokens or addresses.

    Args:
        metrics: where measurements go.
    """

    def __init__(self, metrics: CallMetrics) -> None:
        self._metrics = metrics
        self._log = structlog.get_logger("kaiwa.access")

    async def __call__(self, call: Call, proceed: Callable[[], Awaitable[None]]) -> None:
        """Runs the call and tells how it went."""
        began = time.perf_counter()
        # Made-up methods must not make series of their own.
        series = call.method if call.exists else "unknown"
        self._metrics.call_started(series)
        code = "INTERNAL"
        try:
            await proceed()
            code = "OK"
        except grpc.aio.AbortError:
            code = str(call.facts.get("code") or _code_of(call.context))
            raise
        except asyncio.CancelledError:
            code = "CANCELLED"
            raise
        finally:
            seconds = time.perf_counter() - began
            self._metrics.call_ended(series, code, seconds)
            if call.service not in _QUIET or code != "OK":
                self._log.info(
                    "call",
                    **{
                        "method": call.method,
                        "duration_ms": round(seconds * 1000, 1),
                        "user_id": call.caller.user_id if call.caller else None,
                        "requests": call.requests,
                        "responses": call.responses,
                        **call.facts,
                        "code": code,
                    },
                )


def _code_of(context: grpc.aio.ServicerContext[bytes, object]) -> str:
    """The code that one of the library's services (health) has ended its call with."""
    number = context.code()
    return next((code.name for code in grpc.StatusCode if number in {code, code.value[0]}), "INTERNAL")
