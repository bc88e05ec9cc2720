"""Decodes audio files, each in a process of its own that is limited and thrown away (see `decoder_child`)."""

from __future__ import annotations

import asyncio
import logging
import signal
from datetime import timedelta
from typing import NoReturn

import numpy as np

from server.adapters.audio.decoder_process import DecoderProcess, Limits, NotStarted, TooMuchOutput
from server.adapters.audio.sniff import recognised_as
from server.errors import DeadlineExceeded, InvalidInput, Reason, ResourceExhausted, Unavailable
from server.speech.ports import SAMPLE_RATE, Samples

_log = logging.getLogger(__name__)

_FIELD = "audio"
_ENGINE = {"engine": "decoder"}
_RETRY_AFTER = timedelta(seconds=2)
_UNDECODABLE, _UNSUPPORTED, _TOO_LONG, _TOO_SHORT = 10, 11, 12, 13
_BYTES_A_SAMPLE = 4


class ProcessFileDecoder:
    """A `FileDecoder` with a few processes at a time and one in reserve, so that a file need not wait for a start.

    A file that was cut off gives what is left of it, as far as its container can be read without the rest.

    Args:
        concurrency: files decoded at the same time.
        most_waiting: files that wait for their turn; more are refused.
        spares: processes started ahead (about 45 MiB each).
        limits: of each process.
    """

    def __init__(
        self, *, concurrency: int = 2, most_waiting: int = 16, spares: int = 1, limits: Limits | None = None
    ) -> None:
        self._limits = limits or Limits()
        self._most_waiting = most_waiting
        self._spare_count = spares
        self._concurrency = concurrency
        self._places = asyncio.Semaphore(concurrency)
        self._waiting = 0
        self._closed = False
        self._spares: list[asyncio.Task[DecoderProcess]] = []
        self._starting: set[asyncio.Task[DecoderProcess]] = set()
        self._at_work: set[DecoderProcess] = set()
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The processes that are up: those at work, then those in reserve."""
        spares = (spare.result() for spare in self._spares if spare.done() and spare.exception() is None)
        return tuple(process.pid for process in (*self._at_work, *spares))

    async def start(self) -> None:
        """Starts the spare processes, so that the first file is as quick as the others.

        Raises:
            Unavailable: SPEECH_ENGINE_UNAVAILABLE when they don't come up.
        """
        self._refill()
        try:
            await asyncio.gather(*(asyncio.shield(spare) for spare in self._spares))
        except NotStarted as error:
            raise _unavailable() from error

    async def decode(self, data: bytes, *, longest_seconds: float) -> Samples:
        """The first audio track of a file, mixed to mono at 16 kHz, in any common container and codec.

        Args:
            data: the file.
            longest_seconds: of audio; what an encoder padded it with does not count.

        Raises:
            InvalidInput: AUDIO_UNDECODABLE, AUDIO_CONTAINER_UNSUPPORTED, AUDIO_TOO_LONG, AUDIO_TOO_SHORT (under 0.1 s).
            DeadlineExceeded: DECODE_TIMEOUT.
            ResourceExhausted: SPEECH_OVERLOADED when too many files wait.
            Unavailable: SPEECH_ENGINE_UNAVAILABLE when no process comes up or the decoder is closed.
        """
        kind = recognised_as(data)
        if kind is not None:
            raise InvalidInput(
                _FIELD,
                f"This is {kind}, not audio.",
                reason=Reason.AUDIO_CONTAINER_UNSUPPORTED,
                metadata={"detected": kind},
            )
        if self._closed:
            raise _unavailable()
        if self._places.locked() and self._waiting >= self._most_waiting:
            raise ResourceExhausted(
                Reason.SPEECH_OVERLOADED,
                "Too many files wait to be decoded.",
                metadata=_ENGINE,
                retry_after=_RETRY_AFTER,
            )
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            if self._closed:
                raise _unavailable()
            return await self._decode(data, longest_seconds)
        finally:
            self._places.release()
            self._refill()

    async def close(self) -> None:
        """Ends all processes; what is under way fails with SPEECH_ENGINE_UNAVAILABLE."""
        self._closed = True
        for spare in self._spares:
            self._discard(spare)
        self._spares.clear()
        while self._starting:
            await asyncio.wait(self._starting)
        for process in self._at_work:
            process.kill()
        # Those at work and those who wait give their places back.
        for _ in range(self._concurrency):
            await self._places.acquire()
        for _ in range(self._concurrency):
            self._places.release()
        while self._ending:
            await asyncio.gather(*self._ending)

    async def _decode(self, data: bytes, longest_seconds: float) -> Samples:
        process = await self._take()
        if self._closed:
            self._end(process)
            raise _unavailable()
        wall_seconds = self._limits.wall_seconds
        most = int(longest_seconds * SAMPLE_RATE) * _BYTES_A_SAMPLE
        self._at_work.add(process)
        try:
            async with asyncio.timeout(wall_seconds):
                status, output = await process.run(
                    data, longest_seconds=longest_seconds, wall_seconds=wall_seconds, most=most
                )
        except TimeoutError as error:
            raise self._too_slow() from error
        except TooMuchOutput as error:
            _log.error("a decoder process wrote more than it may")
            raise _undecodable() from error
        finally:
            self._at_work.discard(process)
            await asyncio.shield(self._end(process))
        if self._closed:
            raise _unavailable()
        if status != 0:
            self._fail(status, longest_seconds)
        return np.frombuffer(output, np.float32)

    async def _take(self) -> DecoderProcess:
        while self._spares:
            try:
                process = await self._come_up(self._spares.pop(0))
            except NotStarted:
                continue
            if process.alive:
                return process
            self._end(process)
        try:
            return await self._come_up(self._new())
        except NotStarted as error:
            _log.error("no decoder process comes up", exc_info=error)
            raise _unavailable() from error

    async def _come_up(self, starting: asyncio.Task[DecoderProcess]) -> DecoderProcess:
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            self._discard(starting)
            raise

    def _new(self) -> asyncio.Task[DecoderProcess]:
        starting = asyncio.create_task(DecoderProcess.start(self._limits, self._end))
        self._starting.add(starting)
        starting.add_done_callback(self._starting.discard)
        return starting

    def _refill(self) -> None:
        while not self._closed and len(self._spares) < self._spare_count:
            self._spares.append(self._new())

    def _discard(self, starting: asyncio.Task[DecoderProcess]) -> None:
        """Ends a process whose start nobody waits for any more, also when it is just coming up."""
        if starting.done():
            self._end_started(starting)
        else:
            starting.cancel()
            starting.add_done_callback(self._end_started)

    def _end_started(self, starting: asyncio.Task[DecoderProcess]) -> None:
        if not starting.cancelled() and starting.exception() is None:
            self._end(starting.result())

    def _end(self, process: DecoderProcess) -> asyncio.Task[None]:
        ending = asyncio.create_task(process.end())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)
        return ending

    def _too_slow(self) -> DeadlineExceeded:
        limit = f"{self._limits.wall_seconds:g}"
        return DeadlineExceeded(
            Reason.DECODE_TIMEOUT,
            f"Decoding the file took longer than {limit} s.",
            metadata={"limit_seconds": limit},
        )

    def _fail(self, status: int, longest_seconds: float) -> NoReturn:
        if status == _TOO_LONG:
            limit = f"{longest_seconds:g}"
            raise InvalidInput(
                _FIELD,
                f"The file has more than {limit} s of audio.",
                reason=Reason.AUDIO_TOO_LONG,
                metadata={"limit_seconds": limit},
            )
        if status == _TOO_SHORT:
            raise InvalidInput(
                _FIELD,
                "The file has less than 100 ms of audio.",
                reason=Reason.AUDIO_TOO_SHORT,
                metadata={"minimum_milliseconds": "100"},
            )
        if status == _UNSUPPORTED:
            raise InvalidInput(
                _FIELD, "The codec of the file is not supported.", reason=Reason.AUDIO_CONTAINER_UNSUPPORTED
            )
        if -status in (signal.SIGALRM, signal.SIGXCPU):
            raise self._too_slow()
        if status != _UNDECODABLE:
            _log.warning("a decoder process ended with status %d", status)
        raise _undecodable()


def _undecodable() -> InvalidInput:
    return InvalidInput(_FIELD, "The file can't be decoded.", reason=Reason.AUDIO_UNDECODABLE)


def _unavailable() -> Unavailable:
    return Unavailable(
        Reason.SPEECH_ENGINE_UNAVAILABLE,
        "The audio decoder is not available at the moment.",
        metadata=_ENGINE,
        retry_after=_RETRY_AFTER,
    )
