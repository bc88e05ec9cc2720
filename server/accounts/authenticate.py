"""Turns an access token into the caller behind it. Not an RPC: the edge asks it for each call."""

from __future__ import annotations

from datetime import UTC, datetime

from server.accounts.login import account_inactive
from server.accounts.ports import AccessTokens, UnitOfWorkFactory
from server.errors import Reason, Unauthenticated
from server.kernel.clock import Clock
from server.kernel.identity import Caller


class Authenticate:
    """Checks access tokens against their keys and the database.

    Args:
        unit_of_work: opens a transaction.
        access_tokens: reads access tokens.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, access_tokens: AccessTokens, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._access_tokens = access_tokens
        self._clock = clock

    async def __call__(self, token: str) -> Caller:
        """The caller, with the role that the database has for them now.

        Raises:
            Unauthenticated: TOKEN_INVALID, TOKEN_EXPIRED, SESSION_REVOKED.
            PermissionDenied: ACCOUNT_INACTIVE.
        """
        claims = self._access_tokens.verify(token)
        now = self._clock.now()
        if now >= claims.expires_at:
            raise Unauthenticated(
                Reason.TOKEN_EXPIRED,
                "The access token has expired. Call RefreshTokens and try again.",
                metadata={"expired_at": _rfc3339(claims.expires_at)},
            )
        async with self._unit_of_work() as uow:
            access = await uow.sessions.access(claims.session_id, now)
        if access is None or not access.session_live or access.user_id != claims.user_id:
            raise session_revoked()
        if not access.user_active:
            raise account_inactive()
        return Caller(claims.user_id, access.role, claims.session_id, claims.expires_at, access.deletion_job_id)


def session_revoked() -> Unauthenticated:
    """What a caller is told whose session has ended."""
    return Unauthenticated(Reason.SESSION_REVOKED, "The session of this access token has ended. Sign in again.")


def _rfc3339(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
