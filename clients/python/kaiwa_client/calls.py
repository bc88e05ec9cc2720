"""Makes calls: a deadline on each, the token, and another try where the contract allows one."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable
from typing import TypeVar

import grpc.aio

from kaiwa_client.auth import TokenSource
from kaiwa_client.clock import Clock
from kaiwa_client.errors import NotSignedIn, from_rpc
from kaiwa_client.retry import RetryPolicy

Response = TypeVar("Response")
QUICK = 15.0
"""Seconds that an ordinary call may take."""

Metadata = tuple[tuple[str, str], ...]


class Calls:
    """The way of every unary call.

    Args:
        address: for error messages.
        clock: waits between tries.
        retry: how often and after how long.
    """

    def __init__(self, address: str, clock: Clock, retry: RetryPolicy) -> None:
        self.address = address
        self.clock = clock
        self.retry = retry

    async def public(self, attempt: Callable[[Metadata], Awaitable[Response]]) -> Response:
        """Makes a call that needs no token.

        Args:
            attempt: makes it once, with the metadata given. Each try sends the same request, its request_id included.

        Raises:
            KaiwaError: it failed for good.
        """
        failures = 0
        while True:
            try:
                return await attempt(())
            except grpc.aio.AioRpcError as failure:
                error = from_rpc(failure, self.address)
                failures += 1
                delay = self.retry.delay(failures, error)
                if delay is None:
                    raise error from failure
            await self.clock.sleep(delay)

    async def signed_in(self, tokens: TokenSource, attempt: Callable[[Metadata], Awaitable[Response]]) -> Response:
        """Makes a call with the token of `tokens`; a token that is refused is renewed once.

        Raises:
            NotSignedIn: there is no session, or it has ended.
            KaiwaError: it failed for good.
        """
        token = await tokens.token()
        try:
            return await self.public(lambda metadata: attempt((*metadata, bearer(token))))
        except NotSignedIn as error:
            fresh = await tokens.renewed(token, error)
            if fresh is None:
                raise
        return await self.public(lambda metadata: attempt((*metadata, bearer(fresh))))

    async def streamed(
        self, tokens: TokenSource, attempt: Callable[[Metadata], AsyncIterable[Response]]
    ) -> AsyncGenerator[Response, None]:
        """The messages of a stream from the server, which is opened again when it breaks.

        Args:
            tokens: who is signed in; a token that is refused is renewed.
            attempt: opens it, each time from where it has got to.

        Raises:
            NotSignedIn: there is no session, or it has ended.
            KaiwaError: it failed for good.
        """
        token, failures, renewed = await tokens.token(), 0, False
        while True:
            try:
                async for response in attempt((bearer(token),)):
                    failures, renewed = 0, False
                    yield response
                return
            except grpc.aio.AioRpcError as failure:
                error = from_rpc(failure, self.address)
            if isinstance(error, NotSignedIn):
                fresh = None if renewed else await tokens.renewed(token, error)
                if fresh is None:
                    raise error
                token, renewed = fresh, True
                continue
            failures += 1
            delay = self.retry.delay(failures, error)
            if delay is None:
                raise error
            await self.clock.sleep(delay)


def bearer(token: str) -> tuple[str, str]:
    """The metadata entry that carries an access token."""
    return ("authorization", f"Bearer {token}")
