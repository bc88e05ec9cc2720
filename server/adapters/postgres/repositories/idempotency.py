"""First answers to mutations that named a `request_id`."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from server.adapters.postgres.tables import IdempotencyKeyRow
from server.errors import AlreadyExists, Reason
from server.kernel.identity import UserId


class PostgresIdempotency:
    """Makes a mutation safe to repeat: claim before the work, store the answer after it, in the same transaction.

    Two calls with one id at once are put in a row by the database: the second claim waits until the first call has
    committed, and gets its answer, or has rolled back, and does the work itself.
    """

    def __init__(self, session: AsyncSession) -> None:
        self._session = session
        self._unanswered: set[tuple[str, str, str]] = set()

    async def claim(
        self, user_id: UserId, method: str, request_id: str, body_hash: bytes, now: datetime
    ) -> bytes | None:
        """Takes a request id for this transaction.

        Args:
            method: full name of the RPC.
            request_id: the client's UUID.
            body_hash: SHA-256 (32 bytes) of the request without what may differ between repeats.
            now: when the request came.

        Returns:
            The first answer, to be sent again; None if this is the first call, which then has to `store` its answer.

        Raises:
            AlreadyExists: the id was used with another body (`REQUEST_ID_REUSED`).
        """
        claimed = await self._session.execute(
            insert(IdempotencyKeyRow)
            .values(user_id=user_id, method=method, request_id=request_id, body_hash=body_hash, created_at=now)
            .on_conflict_do_nothing()
            .returning(IdempotencyKeyRow.request_id)
        )
        if claimed.scalar_one_or_none() is not None:
            self._unanswered.add((user_id, method, request_id))
            return None
        first = await self._session.execute(
            select(IdempotencyKeyRow.body_hash, IdempotencyKeyRow.response).where(
                IdempotencyKeyRow.user_id == user_id,
                IdempotencyKeyRow.method == method,
                IdempotencyKeyRow.request_id == request_id,
            )
        )
        first_hash, response = first.one()
        if first_hash != body_hash:
            raise AlreadyExists(
                Reason.REQUEST_ID_REUSED,
                f"The request id {request_id} was used before with another request.",
                metadata={"request_id": request_id},
            )
        if response is None:
            raise RuntimeError(f"{method} claimed a request id twice in one transaction")
        return bytes(response)

    async def store(self, user_id: UserId, method: str, request_id: str, response: bytes) -> None:
        """Keeps the first answer to a claimed id."""
        await self._session.execute(
            update(IdempotencyKeyRow)
            .where(
                IdempotencyKeyRow.user_id == user_id,
                IdempotencyKeyRow.method == method,
                IdempotencyKeyRow.request_id == request_id,
            )
            .values(response=response)
        )
        self._unanswered.discard((user_id, method, request_id))

    def check_finished(self) -> None:
        """Raises RuntimeError if an id was claimed whose answer was not stored: a repeat would find none."""
        if self._unanswered:
            raise RuntimeError(f"claimed without an answer: {sorted(self._unanswered)}")
