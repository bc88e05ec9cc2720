"""What learning needs from outside."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from server.kernel.identity import UserId
from server.learning.domain.review import AnswerEffect


class StatisticsKeeper(Protocol):
    """Keeps the daily statistics equal to a recomputation from the log, in the transaction that changes the log."""

    async def apply(
        self, user_id: UserId, removed: Sequence[AnswerEffect], added: Sequence[AnswerEffect], now: datetime
    ) -> None:
        """Takes effects out of the figures and puts others in.

        Called once a transaction, under the lock of the learner's change counter, with every effect that the change of
        the log took away or brought: a new answer only adds its own; one that arrived late, or was undone, removes
        what the answers after it were and adds what they are now.
        """
        ...
