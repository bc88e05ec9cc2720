"""RefreshTokens: exchanges a refresh token for new tokens of the same session."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from server.accounts.domain.secret import secret_digest
from server.accounts.domain.session import (
    EndReason,
    Family,
    Refresh,
    TokenPair,
    decide_refresh,
)
from server.accounts.ports import UnitOfWork, UnitOfWorkFactory
from server.accounts.session_tokens import SessionTokens
from server.errors import Reason, Unauthenticated
from server.kernel.clock import Clock


class RefreshTokens:
    """Rotates refresh tokens, and ends the session of one that comes back.

    Args:
        unit_of_work: opens a transaction.
        tokens: makes the new tokens.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, tokens: SessionTokens, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._tokens = tokens
        self._clock = clock

    async def __call__(self, refresh_token: str, request_id: str | None, user_agent: str) -> TokenPair:
        """Makes new tokens.

        Args:
            refresh_token: the token to use up.
            request_id: the client's UUID in lower case; None where it gave none.
            user_agent: the client software.

        Raises:
            Unauthenticated: REFRESH_TOKEN_INVALID, REFRESH_TOKEN_REUSED.
        """
        async with self._unit_of_work() as uow:
            family = await uow.sessions.lock_family(secret_digest(refresh_token))
            if family is None:
                raise _invalid()
            # After the lock, which may have waited for another call: its tokens are older than these.
            now = self._clock.now()
            match decide_refresh(family, request_id, now):
                case Refresh.INVALID:
                    raise _invalid()
                case Refresh.REUSED:
                    await uow.sessions.end(family.session.id, EndReason.TOKEN_REUSED, now)
                    await uow.commit()
                    raise _reused(family)
                case Refresh.ROTATE | Refresh.REPLAY:
                    pair = await self._renew(uow, family, request_id, user_agent, now)
                    await uow.commit()
                    return pair

    async def _renew(
        self, uow: UnitOfWork, family: Family, request_id: str | None, user_agent: str, now: datetime
    ) -> TokenPair:
        session = self._tokens.refreshed(family.session, user_agent, now)
        text, fresh = self._tokens.next_refresh_token(session)
        if family.successor is None:
            used = replace(family.token, used_at=now, used_request_id=request_id, replaced_by=fresh.id)
            await uow.sessions.rotate(session, fresh, used)
        else:
            # The successor got lost on the way. It is used up without a request id: were it to turn up after all,
            # someone would have a copy.
            retried = replace(family.token, replaced_by=fresh.id)
            lost = replace(family.successor, used_at=now, replaced_by=fresh.id)
            await uow.sessions.rotate(session, fresh, retried, lost)
        return self._tokens.pair(session, text)


def _invalid() -> Unauthenticated:
    return Unauthenticated(
        Reason.REFRESH_TOKEN_INVALID,
        "The refresh token is unknown, has expired, or its session has ended. Sign in again.",
    )


def _reused(family: Family) -> Unauthenticated:
    return Unauthenticated(
        Reason.REFRESH_TOKEN_REUSED,
        "The refresh token was used before, so someone has a copy: its session has been ended. Sign in again.",
        metadata={"session_id": family.session.id},
    )
