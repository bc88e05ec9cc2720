"""How often, how long, and whether at all: rate limits, deadlines and the refusal of new work while draining."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from typing import Protocol

from server.errors import DeadlineExceeded, Reason, ResourceExhausted, Unavailable
from server.kernel.rates import Rate
from server.rpc.call import Call
from server.rpc.peer import client_address, network_of
from server.rpc.policy import MethodPolicy


class RateLimiter(Protocol):
    """Counts calls by key in moving windows."""

    async def hit(self, rate: Rate, key: str) -> RateRefusal | None:
        """Counts one call; None when it is within the limit."""
        ...


class RateRefusal(Protocol):
    """Why a call is one too many."""

    @property
    def limit(self) -> int:
        """Calls allowed a period."""
        ...

    @property
    def period(self) -> timedelta:
        """Length of the window."""
        ...

    @property
    def retry_after(self) -> timedelta:
        """When one more will be allowed."""
        ...


class Gate:
    """Whether new calls are let in. Closed once, when the server begins to drain."""

    def __init__(self) -> None:
        self.open = True

    def close(self) -> None:
        """Refuses new calls from now on; those under way go on."""
        self.open = False


class LimitsInterceptor:
    """Applies the method's policy: admission, rate, deadline.

    Args:
        policies: the terms of each method.
        limiter: counts calls.
        gate: closed while the server drains.
        trusted_proxies: addresses whose `x-forwarded-for` is believed (Envoy's).
    """

    def __init__(
        self,
        policies: Mapping[str, MethodPolicy],
        limiter: RateLimiter,
        gate: Gate,
        trusted_proxies: Collection[str],
    ) -> None:
        self._policies = policies
        self._limiter = limiter
        self._gate = gate
        self._trusted = frozenset(trusted_proxies)

    async def __call__(self, call: Call, proceed: Callable[[], Awaitable[None]]) -> None:
        """Refuses the call, or runs it within its deadline."""
        policy = self._policies.get(call.method)
        if policy is None:
            await proceed()
            return
        # What belongs to an utterance under way may still come in.
        if not self._gate.open and policy.rate not in {Rate.FREE, Rate.AUDIO}:
            raise Unavailable(
                Reason.SHUTTING_DOWN,
                "This server is shutting down; another one will answer.",
                retry_after=timedelta(seconds=1),
            )
        call.network = network_of(client_address(call.context.peer(), call.metadata, self._trusted))
        await self._count(call, policy.rate)
        limit = policy.deadline.total_seconds()
        timer = asyncio.timeout(limit)
        try:
            async with timer:
                await proceed()
        except TimeoutError:
            if not timer.expired():
                raise
            raise DeadlineExceeded(
                Reason.DEADLINE_EXCEEDED,
                f"The call took longer than the {limit:g} s that this method is allowed.",
                metadata={"limit_seconds": f"{limit:g}"},
            ) from None

    async def _count(self, call: Call, rate: Rate) -> None:
        if rate is Rate.FREE:
            return
        # Of somebody who leaves nothing is noted any more.
        named = rate is not Rate.SIGN_IN and call.caller is not None and call.caller.deletion_job_id is None
        key = call.caller.user_id if named and call.caller is not None else call.network
        refusal = await self._limiter.hit(rate, key)
        if refusal is not None:
            seconds = round(refusal.period.total_seconds())
            raise ResourceExhausted(
                Reason.RATE_LIMITED,
                f"Too many calls: {refusal.limit} in {seconds} s are allowed here.",
                metadata={"limit": str(refusal.limit), "period_seconds": str(seconds)},
                retry_after=refusal.retry_after,
            )
