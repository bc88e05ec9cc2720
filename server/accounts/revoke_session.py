"""RevokeSession: ends one of the caller's sessions."""

from __future__ import annotations

from server.accounts.domain.session import EndReason
from server.accounts.ports import UnitOfWorkFactory
from server.errors import NotFound, Reason
from server.kernel.clock import Clock
from server.kernel.identity import Caller, SessionId


class RevokeSession:
    """Ends a session that the caller names, the current one too.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller, session_id: SessionId) -> None:
        """Ends the session; one that has ended already is no error.

        Raises:
            NotFound: SESSION_NOT_FOUND, whether it does not exist or is someone else's.
        """
        async with self._unit_of_work() as uow:
            if await uow.sessions.owner(session_id) != caller.user_id:
                raise NotFound(
                    Reason.SESSION_NOT_FOUND, "You have no such session.", metadata={"session_id": session_id}
                )
            await uow.sessions.end(session_id, EndReason.REVOKED, self._clock.now())
            await uow.commit()
