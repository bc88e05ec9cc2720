"""Erases an account with all that belongs to it. Not an RPC: a job does it.

The order makes it safe to be killed anywhere: what is deleted is deleted again without harm, how many records that were
is stored in the transaction that deletes them, and the account goes last, in a transaction in which nobody can store
anything for it and which finds nothing left but what goes with it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from server.accounts.ports import Attempt, Files, Traces, UnitOfWork
from server.errors import Aborted, Reason
from server.kernel.identity import UserId
from server.kernel.ownership import Holdings

PORTION = 1000
"""Records that are erased in one transaction."""
_LOOKS, _PAUSE = 40, 0.5
"""How often, and after how many seconds each, to look whether the account's other jobs have stopped."""

U = TypeVar("U", bound=UnitOfWork)


@dataclass(frozen=True, slots=True)
class Erased:
    """How much there was."""

    records: int
    files: int


class EraseAccount(Generic[U]):
    """Erases what each service holds of a user, then the account.

    Args:
        holdings: of each service, in an order in which they can be erased.
        stop_jobs: tells a user's other jobs to stop, in a transaction; gives how many still run.
        files: the object store.
        traces: what else names a user.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        holdings: Sequence[Holdings[U]],
        stop_jobs: Callable[[U, UserId], Awaitable[int]],
        files: Files,
        traces: Sequence[Traces],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._holdings = tuple(holdings)
        self._stop_jobs = stop_jobs
        self._files = files
        self._traces = tuple(traces)
        self._sleep = sleep

    async def __call__(self, user_id: UserId, attempt: Attempt[U]) -> Callable[[U], Awaitable[Erased]]:
        """Erases all but the account; safe to be repeated.

        Returns:
            The last part: it erases what came meanwhile and leaves what goes with the account, which has to be deleted
            in the same transaction.

        Raises:
            Unavailable: STORAGE_UNAVAILABLE, DATABASE_UNAVAILABLE.
            Aborted: CONCURRENT_CHANGE, when the account's other jobs would not stop.
        """
        await self._stop(user_id, attempt)
        await self._count(user_id, attempt)
        await self._forget_traces(user_id, attempt)
        await self._erase_files(user_id, attempt)
        await self._erase_records(user_id, attempt)
        await self._forget_traces(user_id, attempt)

        async def last(uow: U) -> Erased:
            await uow.users.lock_out(user_id)
            erased = _number(attempt, "records")
            for holdings in self._holdings:
                while count := await holdings.erase(uow, user_id, PORTION):
                    erased += count
            files = _number(attempt, "files") + await self._delete_files(user_id)
            with_account = [await holdings.count(uow, user_id) for holdings in self._holdings]
            return Erased(erased + sum(with_account), files)

        return last

    async def _stop(self, user_id: UserId, attempt: Attempt[U]) -> None:
        attempt.report(0, None, "deletion.stopping")
        for _ in range(_LOOKS):
            if not await attempt.step(lambda uow: self._stop_jobs(uow, user_id)):
                return
            await self._sleep(_PAUSE)
        raise Aborted(Reason.CONCURRENT_CHANGE, "Other jobs of the account have not stopped.")

    async def _count(self, user_id: UserId, attempt: Attempt[U]) -> None:
        """Counts before anything is deleted, once for all attempts."""
        if "files" in attempt.checkpoint:
            return
        files = sum([len(keys) for prefix in self._prefixes(user_id) async for keys in self._files.list(prefix)])

        async def count(uow: U) -> None:
            records = sum([await holdings.count(uow, user_id) for holdings in self._holdings])
            attempt.checkpoint |= {"files": files, "records": 0}
            attempt.report(0, files + records, "deletion.files")

        await attempt.step(count)

    async def _forget_traces(self, user_id: UserId, attempt: Attempt[U]) -> None:
        async def look(uow: U) -> None:
            user = await uow.users.get(user_id)
            if user is not None:
                addresses = frozenset({user.email}) | await uow.one_time_tokens.addresses(user_id)
                await uow.outgoing_mails.forget_addresses(addresses)
                for traces in self._traces:
                    await traces.forget(user, addresses)

        await attempt.step(look)

    async def _erase_files(self, user_id: UserId, attempt: Attempt[U]) -> None:
        attempt.report(0, None, "deletion.files")
        await self._delete_files(user_id, lambda deleted: attempt.report(deleted))

    async def _delete_files(self, user_id: UserId, tell: Callable[[int], None] = lambda deleted: None) -> int:
        deleted = 0
        for prefix in self._prefixes(user_id):
            # As a list: a listing need not bear that what it lists is deleted.
            for key in [key async for keys in self._files.list(prefix) for key in keys]:
                await self._files.delete(key)
                deleted += 1
                tell(deleted)
        return deleted

    async def _erase_records(self, user_id: UserId, attempt: Attempt[U]) -> None:
        for holdings in self._holdings:
            while await self._erase_portion(user_id, holdings, attempt):
                pass

    async def _erase_portion(self, user_id: UserId, holdings: Holdings[U], attempt: Attempt[U]) -> int:
        async def portion(uow: U) -> int:
            count = await holdings.erase(uow, user_id, PORTION)
            erased = _number(attempt, "records") + count
            attempt.checkpoint["records"] = erased
            attempt.report(_number(attempt, "files") + erased, None, "deletion.records")
            return count

        return await attempt.step(portion)

    def _prefixes(self, user_id: UserId) -> Sequence[str]:
        return [folder.of(user_id) for holdings in self._holdings for folder in holdings.folders]


def _number(attempt: Attempt[U], name: str) -> int:
    value = attempt.checkpoint.get(name, 0)
    return value if isinstance(value, int) else 0
