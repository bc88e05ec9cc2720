"""Access tokens: kept, refreshed before they end, and one refresh at a time."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Protocol

from kaiwa_client.clock import Clock
from kaiwa_client.errors import KaiwaError, NotSignedIn
from kaiwa_client.tokens import Tokens, TokenStore, with_login

_REFRESH_AHEAD = timedelta(seconds=30)
_SESSION_GONE = frozenset({"REFRESH_TOKEN_INVALID", "REFRESH_TOKEN_REUSED", "SESSION_REVOKED"})
_RENEWABLE = frozenset({"TOKEN_EXPIRED", "TOKEN_INVALID", "SESSION_REVOKED"})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs in: an e-mail address or username, and the password."""

    login: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials(login={self.login!r})"


class TokenSource(Protocol):
    """Gives the token to call with."""

    async def token(self) -> str:
        """An access token that should still be good.

        Raises:
            NotSignedIn: there is none and no way to get one.
        """
        ...

    async def renewed(self, refused: str, error: KaiwaError) -> str | None:
        """Another token in place of one that the server refused; None when another would not help."""
        ...


class FixedToken:
    """A token from outside, which cannot be refreshed."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def token(self) -> str:
        return self._token

    async def renewed(self, refused: str, error: KaiwaError) -> str | None:
        return None


class SessionTokens:
    """The tokens of a stored session.

    Args:
        store: where they are kept.
        refresh: RefreshTokens, given the refresh token and the request id.
        sign_in: Login.
        credentials: signs in again by itself when there is no session or it has ended; None: never.
        clock: tells when a token ends.
    """

    def __init__(
        self,
        store: TokenStore,
        *,
        refresh: Callable[[str, str], Awaitable[Tokens]],
        sign_in: Callable[[Credentials], Awaitable[Tokens]],
        credentials: Credentials | None,
        clock: Clock,
    ) -> None:
        self._store = store
        self._refresh = refresh
        self._sign_in = sign_in
        self._credentials = credentials
        self._clock = clock
        self._lock = asyncio.Lock()
        # A token that was fetched here is used until the server refuses it, however wrong this machine's clock is.
        self._fetched = ""

    async def token(self) -> str:
        tokens = self._load()
        if tokens is not None and self._good(tokens):
            return tokens.access_token
        return await self._replace(tokens.access_token if tokens else "")

    async def renewed(self, refused: str, error: KaiwaError) -> str | None:
        if error.reason not in _RENEWABLE:
            return None
        if error.reason == "SESSION_REVOKED":
            async with self._lock, self._store.exclusive():
                tokens = self._store.load()
                if tokens is not None and tokens.access_token == refused:
                    self._store.clear()
            if self._credentials is None:
                return None
        return await self._replace(refused)

    def _load(self) -> Tokens | None:
        tokens = self._store.load()
        if tokens is None or self._credentials is None or not tokens.login:
            return tokens
        return tokens if tokens.login == self._credentials.login else None

    def _good(self, tokens: Tokens) -> bool:
        return tokens.access_token == self._fetched or self._clock.now() + _REFRESH_AHEAD < tokens.access_expires

    async def _replace(self, old: str) -> str:
        async with self._lock, self._store.exclusive():
            tokens = self._load()
            if tokens is not None and tokens.access_token != old and self._good(tokens):
                return tokens.access_token
            fresh = await self._refreshed(tokens) if tokens is not None else None
            if fresh is None:
                fresh = await self._signed_in()
            self._store.save(fresh)
            self._fetched = fresh.access_token
            return fresh.access_token

    async def _refreshed(self, tokens: Tokens) -> Tokens | None:
        """New tokens for the session; None when it is gone and the credentials can begin another."""
        request_id = tokens.pending_refresh_id or str(uuid.uuid4())
        # Kept before it is sent: a try whose answer got lost is repeated under the same id, also by the next process.
        self._store.save(replace(tokens, pending_refresh_id=request_id))
        try:
            fresh = await self._refresh(tokens.refresh_token, request_id)
        except KaiwaError as error:
            if error.reason not in _SESSION_GONE:
                raise
            self._store.clear()
            if self._credentials is None:
                raise NotSignedIn(
                    "The session has ended.", code=error.code, reason=error.reason, metadata=error.metadata
                ) from error
            return None
        return with_login(fresh, tokens.login)

    async def _signed_in(self) -> Tokens:
        if self._credentials is None:
            raise NotSignedIn("Nobody is signed in.", reason="TOKEN_MISSING")
        return with_login(await self._sign_in(self._credentials), self._credentials.login)
