"""GetAttempt: everything that is known of one attempt."""

from __future__ import annotations

from server.errors import NotFound, Reason
from server.kernel.identity import Caller
from server.speech.domain.attempt import Attempt
from server.speech.storage import UnitOfWorkFactory


class GetAttempt:
    """Finds an attempt of the caller's."""

    def __init__(self, unit_of_work: UnitOfWorkFactory) -> None:
        self._unit_of_work = unit_of_work

    async def __call__(self, caller: Caller, attempt_id: str) -> Attempt:
        """The attempt.

        Raises:
            NotFound: ATTEMPT_NOT_FOUND.
        """
        async with self._unit_of_work() as uow:
            attempt = await uow.attempts.get(caller.user_id, attempt_id)
        if attempt is None:
            raise attempt_not_found(attempt_id)
        return attempt


def attempt_not_found(attempt_id: str) -> NotFound:
    """What a caller gets for an attempt that is not theirs, or is deleted."""
    return NotFound(Reason.ATTEMPT_NOT_FOUND, "There is no such attempt.", metadata={"attempt_id": attempt_id})
