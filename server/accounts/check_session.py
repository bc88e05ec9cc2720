"""Whether a caller who was authenticated a while ago still is. Not an RPC: long streams ask it now and then."""

from __future__ import annotations

from server.accounts.authenticate import session_revoked
from server.accounts.login import account_inactive
from server.accounts.ports import UnitOfWorkFactory
from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.kernel.leaving import deletion_started


class CheckSession:
    """Looks at the caller's session in the database.

    Args:
        unit_of_work: opens a transaction.
        clock: tells the time.
    """

    def __init__(self, unit_of_work: UnitOfWorkFactory, clock: Clock) -> None:
        self._unit_of_work = unit_of_work
        self._clock = clock

    async def __call__(self, caller: Caller) -> None:
        """Returns when the session lives and the account is active.

        Raises:
            Unauthenticated: SESSION_REVOKED.
            PermissionDenied: ACCOUNT_INACTIVE, ACCOUNT_DELETION_STARTED.
        """
        async with self._unit_of_work() as uow:
            access = await uow.sessions.access(caller.session_id, self._clock.now())
        if access is None or not access.session_live:
            raise session_revoked()
        if not access.user_active:
            raise account_inactive()
        # Who follows the deletion knows of it already.
        if access.deletion_job_id is not None and access.deletion_job_id != caller.deletion_job_id:
            raise deletion_started(access.deletion_job_id)
