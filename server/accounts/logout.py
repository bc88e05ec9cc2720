"""Logout: ends the session that the call is made with."""

from __future__ import annotations

from server.accounts.domain.secret import secret_digest
from server.accounts.domain.session import EndReason
from server.accounts.ports import UnitOfWorkFactory
from server.kernel.clock import Clock
from server.kernel.identity import Caller


class Logout:
    """Ends the caller's session.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, refresh_token: str | None) -> None:
        """Ends the session of the call and, where it is another of the caller's, that of a good refresh token."""
        now = self._clock.now()
        async with self._unit_of_work() as uow:
            if refresh_token is not None:
                family = await uow.sessions.lock_family(secret_digest(refresh_token))
                if family is not None and family.token.used_at is None and family.session.user_id == caller.user_id:
                    await uow.sessions.end(family.session.id, EndReason.LOGOUT, now)
            await uow.sessions.end(caller.session_id, EndReason.LOGOUT, now)
            await uow.commit()
