"""Takes the audio of a practice in order and each piece once, however its pieces arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta

from server.errors import InvalidInput, NotFound, OutOfRange, Reason, ResourceExhausted

_ORDER_WAIT = 2.0


class OrderedIntake:
    """Puts pieces in order by their offsets.

    Args:
        practice_id: the practice.
        longest_chunk: the most bytes of a piece.
        most_pushes: the most pieces under way at a time.
        take: takes the next piece.
        sleep: waits, in seconds.
    """

    def __init__(
        self,
        practice_id: str,
        *,
        longest_chunk: int,
        most_pushes: int,
        take: Callable[[bytes], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._practice_id = practice_id
        self._longest_chunk = longest_chunk
        self._most_pushes = most_pushes
        self._take = take
        self._sleep = sleep
        self._taken = 0
        self._pushes = 0
        self._arrival = asyncio.Condition()
        self._gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def taken(self) -> int:
        """How many bytes there are without a gap."""
        return self._taken

    async def push(self, data: bytes, offset: int | None) -> int:
        """Takes a piece; what is there already is skipped.

        Args:
            data: bytes cut anywhere.
            offset: how much goes before it; None: it follows what came last.

        Returns:
            How many bytes there are now without a gap.

        Raises:
            ApplicationError: CHUNK_TOO_LARGE, TOO_MANY_PUSHES, AUDIO_OFFSET_WRONG, PRACTICE_NOT_FOUND when the practice
                ends before its turn has come, and whatever `take` raises.
        """
        if len(data) > self._longest_chunk:
            raise chunk_too_large(len(data), self._longest_chunk)
        if self._pushes >= self._most_pushes:
            raise ResourceExhausted(
                Reason.TOO_MANY_PUSHES,
                f"{self._pushes} pushes of this practice are under way; that is the most there may be.",
                metadata={"limit": str(self._most_pushes)},
                retry_after=timedelta(milliseconds=100),
            )
        self._pushes += 1
        try:
            async with self._arrival:
                if offset is not None:
                    await self._wait_for(offset, "offset")
                    data = data[self._taken - offset :]
                if data:
                    await _whole(self._take_next(data))
                    self._arrival.notify_all()
            return self._taken
        finally:
            self._pushes -= 1

    async def finish(self, final_offset: int | None, close: Callable[[], Coroutine[None, None, None]]) -> int:
        """Closes the intake once everything has come.

        Args:
            final_offset: how many bytes there are in all, waited for; None: what has come.
            close: what to do then.

        Raises:
            ApplicationError: AUDIO_OFFSET_WRONG when the rest does not come, PRACTICE_NOT_FOUND when the practice ends
                before.
        """
        async with self._arrival:
            if final_offset is not None:
                await self._wait_for(final_offset, "final_offset")
            await _whole(close())
        return self._taken

    def end(self) -> None:
        """The practice is over: whoever waits for audio is told so."""
        if not self._gone.done():
            self._gone.set_result(None)

    async def _take_next(self, data: bytes) -> None:
        await self._take(data)
        self._taken += len(data)

    async def _wait_for(self, offset: int, field: str) -> None:
        """Waits until audio up to `offset` is there; the condition's lock is held."""
        if offset > self._taken and not self._gone.done():
            waiter = asyncio.ensure_future(self._reach(offset))
            timer = asyncio.ensure_future(self._sleep(_ORDER_WAIT))
            try:
                await asyncio.wait({waiter, timer, self._gone}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                timer.cancel()
                waiter.cancel()
                await asyncio.gather(waiter, timer, return_exceptions=True)
        if offset > self._taken and self._gone.done():
            raise practice_not_found(self._practice_id)
        if offset > self._taken:
            raise OutOfRange(
                Reason.AUDIO_OFFSET_WRONG,
                f"{field}: audio before {offset} is missing; go on from {self._taken}.",
                metadata={"field": field, "offset": str(offset), "expected_offset": str(self._taken)},
            )

    async def _reach(self, offset: int) -> None:
        await self._arrival.wait_for(lambda: self._taken >= offset)


async def _whole(work: Coroutine[None, None, None]) -> None:
    """Does the work to its end, also when who asked for it goes: half a piece taken would be taken again later."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


def practice_not_found(practice_id: str) -> NotFound:
    """What a call gets that belongs to a practice which is not under way here."""
    return NotFound(
        Reason.PRACTICE_NOT_FOUND,
        "No practice with this id is open here. Open it with OpenPractice.",
        metadata={"practice_id": practice_id},
    )


def chunk_too_large(size: int, limit: int) -> InvalidInput:
    """What a piece of audio gets that is too large."""
    return InvalidInput(
        "audio",
        f"has {size} bytes; one message may have {limit}",
        reason=Reason.CHUNK_TOO_LARGE,
        metadata={"limit_bytes": str(limit), "bytes": str(size)},
    )
