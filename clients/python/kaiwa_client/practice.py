"""One utterance, spoken over a stream that may break and go on."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

import grpc.aio

from kaiwa.speech.v1 import practice_pb2, speech_service_pb2
from kaiwa_client.auth import TokenSource
from kaiwa_client.calls import Calls, bearer
from kaiwa_client.errors import KaiwaError, NotSignedIn, PracticeIncomplete, from_rpc
from kaiwa_client.events import Event, Notice, Partial, Ready, Saved, SpeechEnded, SpeechStarted
from kaiwa_client.mapping.events import event as event_of
from kaiwa_client.practice_audio import AudioSource, KeptAudio

if TYPE_CHECKING:
    from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceAsyncStub

    _Call = grpc.aio.StreamStreamCall[speech_service_pb2.PracticeRequest, speech_service_pb2.PracticeResponse]

_CHUNK_SECONDS = 0.1
_MOST_BREAKS = 8
"""Breaks in a row, with nothing received between them, after which a practice is given up."""
_RESUMABLE_CODES = frozenset({"UNAVAILABLE", "INTERNAL", "UNKNOWN", "CANCELLED"})
_RESUMABLE_REASONS = frozenset(
    {"PRACTICE_LOST", "RESPONSES_NOT_READ", "SHUTTING_DOWN", "DATABASE_UNAVAILABLE", "STORAGE_UNAVAILABLE"}
)


class Practice:
    """One utterance under way: iterate over it for its events, which end with Saved.

    A connection that breaks is opened again under the same practice id and goes on from the audio that the server has;
    the events are those of one unbroken practice, with a Notice `resumed` where it broke. Where the server has lost the
    audio, all of it is sent again, partials begin anew, and the Notice is `started_again`, which only this library
    makes. Iterate once. Use it as an asynchronous context manager, or call `aclose`, to give it up early.

    Attributes:
        practice_id: the id under which the server knows it.
        first_audio_at: when the first audio was sent, in monotonic seconds of the client's clock; None before.
        audio_ended_at: when the last audio was sent; None before.
    """

    def __init__(
        self,
        stub: SpeechServiceAsyncStub,
        calls: Calls,
        tokens: TokenSource,
        config: practice_pb2.PracticeConfig,
        audio: AudioSource,
        *,
        timeout: float,
    ) -> None:
        self.practice_id = config.practice_id
        self.first_audio_at: float | None = None
        self.audio_ended_at: float | None = None
        self._stub = stub
        self._calls = calls
        self._tokens = tokens
        self._config = config
        self._audio = audio
        self._kept = KeptAudio()
        self._timeout = timeout
        self._chunk_bytes = max(2, round(config.audio_format.sample_rate_hertz * _CHUNK_SECONDS) * 2)
        self._filler: asyncio.Task[None] | None = None
        self._seen: dict[type[Event], Event] = {}
        self._events = self._run()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self._events

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Gives the practice up: the stream is cancelled, and the server forgets it after its resume window."""
        await self._events.aclose()

    async def _run(self) -> AsyncGenerator[Event]:
        breaks = 0
        renewed = saved = False
        try:
            while True:
                token = await self._tokens.token()
                error: KaiwaError
                try:
                    async with contextlib.aclosing(self._stream(token)) as stream:
                        async for event in stream:
                            breaks, renewed = 0, False
                            if self._is_news(event):
                                yield event
                            # Read on: the server ends the stream with its status.
                            saved = saved or isinstance(event, Saved)
                    error = PracticeIncomplete("The server ended the practice without its result.", code="UNKNOWN")
                except grpc.aio.AioRpcError as failure:
                    error = from_rpc(failure, self._calls.address)
                if saved:
                    return
                breaks += 1
                if isinstance(error, NotSignedIn) and not renewed:
                    if await self._tokens.renewed(token, error) is None:
                        raise error
                    renewed = True
                    continue
                delay = self._delay(breaks, error)
                if delay is None:
                    raise error
                await self._calls.clock.sleep(delay)
        finally:
            await _cancelled(self._filler)

    def _delay(self, breaks: int, error: KaiwaError) -> float | None:
        """Seconds until the stream is opened again; None when it is not."""
        if Ready not in self._seen:
            return self._calls.retry.delay(breaks, error)
        resumable = error.reason in _RESUMABLE_REASONS or (error.reason is None and error.code in _RESUMABLE_CODES)
        if not resumable or breaks > _MOST_BREAKS:
            return None
        return max(self._calls.retry.backoff(breaks), error.retry_after or 0.0)

    async def _stream(self, token: str) -> AsyncGenerator[Event]:
        """The events of one connection.

        Raises:
            grpc.aio.AioRpcError: it broke or was refused.
        """
        call = self._stub.Practice(metadata=(bearer(token),), timeout=self._timeout)
        sender: asyncio.Task[None] | None = None
        try:
            # A write to a stream that has failed raises what is told better by reading.
            with contextlib.suppress(asyncio.InvalidStateError):
                await call.write(speech_service_pb2.PracticeRequest(config=self._config))
            while True:
                response = await call.read()
                if not isinstance(response, speech_service_pb2.PracticeResponse):
                    break
                if response.WhichOneof("event") == "ready" and sender is None:
                    self._filler = self._filler or asyncio.create_task(self._kept.fill(self._audio))
                    sender = asyncio.create_task(self._send(call, response.ready.resume_offset))
                event = event_of(response, self._calls.clock.monotonic())
                if isinstance(event, SpeechEnded):
                    # Reads no more from the source; what is under way is dropped by the server.
                    await _cancelled(self._filler)
                if event is not None:
                    yield event
                if isinstance(event, Ready) and self.first_audio_at is not None and not response.ready.resume_offset:
                    yield _started_again(event)
            if await call.code() is not grpc.StatusCode.OK:
                raise grpc.aio.AioRpcError(
                    await call.code(),
                    await call.initial_metadata(),
                    await call.trailing_metadata(),
                    details=await call.details(),
                )
        except asyncio.CancelledError:
            # What a call that we ourselves cancelled raises when it is read.
            if self._kept.failure is not None:
                raise self._kept.failure from None
            raise
        finally:
            await _cancelled(sender)
            call.cancel()

    async def _send(self, call: _Call, offset: int) -> None:
        try:
            while (piece := await self._kept.read(offset, self._chunk_bytes)) is not None:
                if self.first_audio_at is None:
                    self.first_audio_at = self._calls.clock.monotonic()
                await call.write(speech_service_pb2.PracticeRequest(audio=piece))
                offset += len(piece)
            if self._kept.failure is not None:
                call.cancel()
                return
            if self.audio_ended_at is None:
                self.audio_ended_at = self._calls.clock.monotonic()
            await call.write(speech_service_pb2.PracticeRequest(finish=practice_pb2.PracticeFinish()))
            await call.done_writing()
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            # The stream is over; the reading side tells why.
            return

    def _is_news(self, event: Event) -> bool:
        """Whether an event is new, and not told again after a resumption."""
        last = self._seen.get(type(event))
        self._seen[type(event)] = event
        if last is None or isinstance(event, Notice):
            return True
        if isinstance(event, Ready | SpeechStarted | SpeechEnded):
            return False
        return _content(last) != _content(event) or (isinstance(event, Partial) and event.sequence == last.sequence + 1)


def _started_again(ready: Ready) -> Notice:
    return Notice(
        sequence=ready.sequence,
        audio_offset_ms=ready.audio_offset_ms,
        received=ready.received,
        kind="started_again",
        parameters=(),
    )


def _content(event: Event) -> tuple[object, ...]:
    header = {"sequence", "audio_offset_ms", "received"}
    return tuple(getattr(event, name) for name in event.__dataclass_fields__ if name not in header)


async def _cancelled(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
