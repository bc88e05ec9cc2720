"""A client of practices over a real port, with speech on fakes behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from datetime import timedelta
from types import TracebackType
from typing import Self, cast

import grpc
import pytest

from kaiwa.speech.v1 import audio_pb2, practice_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1 import speech_service_pb2_grpc as rpc
from server.kernel.identity import Caller
from server.rpc.server import Service
from server.rpc.wire import PageTokens
from server.speech.servicer import SpeechServicer
from tests.support.rpc import Failure, Served, failure_of, serving
from tests.support.speech import PRACTICE, SENTENCE, Speech, caller

SPEECH = "kaiwa.speech.v1.SpeechService"
TOKEN = (("authorization", "Bearer anyone"),)


def config(**changes: object) -> practice_pb2.PracticeConfig:
    """A practice of `今日は雨だ` with LINEAR16 at 16 kHz."""
    made = practice_pb2.PracticeConfig(
        practice_id=PRACTICE,
        audio_format=audio_pb2.AudioFormat(encoding=audio_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=16_000),
    )
    if not {"sentence_id", "accepted_answers", "free"} & set(changes):
        made.reference_text = SENTENCE.japanese
    changes.pop("free", None)
    made.MergeFrom(practice_pb2.PracticeConfig(**changes))  # type: ignore[arg-type]
    return made


@asynccontextmanager
async def speaking(speech: Speech, who: Caller | None = None) -> AsyncIterator[Served]:
    """Serves speech over a real port; every token is `who`."""
    signed_in = who or caller(expires_at=speech.clock.now() + timedelta(days=1))

    async def authenticate(token: str) -> Caller:
        return signed_in

    servicer = SpeechServicer(speech.use, PageTokens(b"s" * 32))
    service = Service(SPEECH, rpc.add_SpeechServiceServicer_to_server, servicer)
    async with serving([service], authenticate=authenticate) as served:
        yield served


class Talk:
    """One native stream of a practice. Leaving the block cancels what is still open."""

    def __init__(self, served: Served) -> None:
        self._call = rpc.SpeechServiceStub(served.channel).Practice(metadata=TOKEN, timeout=30)
        self.events: list[pb.PracticeResponse] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call.cancel()

    async def begin(self, **changes: object) -> pb.PracticeResponse:
        """Sends the config and returns `ready`."""
        await self.send(pb.PracticeRequest(config=config(**changes)))
        ready = await self.next()
        assert ready.HasField("ready")
        return ready

    async def send(self, *messages: pb.PracticeRequest | bytes) -> None:
        """Sends messages; bytes are audio."""
        for message in messages:
            wanted = pb.PracticeRequest(audio=message) if isinstance(message, bytes) else message
            await self._call.write(wanted)

    async def finish(self) -> None:
        """Says that there is no more audio."""
        await self.send(pb.PracticeRequest(finish=practice_pb2.PracticeFinish()))

    async def close(self) -> None:
        """Closes the sending half."""
        await self._call.done_writing()

    async def next(self) -> pb.PracticeResponse:
        """The next event."""
        event = await self._call.read()
        assert event is not grpc.aio.EOF, "the stream has ended"
        event = cast("pb.PracticeResponse", event)
        self.events.append(event)
        return event

    async def until(self, kind: str) -> pb.PracticeResponse:
        """Reads events until one of this kind."""
        while True:
            event = await self.next()
            if event.WhichOneof("event") == kind:
                return event

    async def rest(self) -> list[pb.PracticeResponse]:
        """All events until the stream ends well."""
        while (event := await self._call.read()) is not grpc.aio.EOF:
            self.events.append(cast("pb.PracticeResponse", event))
        return self.events

    async def failure(self) -> Failure:
        """Reads to the end, which must be a failure."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await self.rest()
        return failure_of(caught.value)

    def kinds(self) -> list[str]:
        """The kinds of the events so far, without partials and notices."""
        kinds = [str(event.WhichOneof("event")) for event in self.events]
        return [kind for kind in kinds if kind not in {"partial", "notice"}]

    def notices(self) -> list[str]:
        """The kinds of the notices so far."""
        return [
            practice_pb2.NoticeKind.Name(event.notice.kind).removeprefix("NOTICE_KIND_")
            for event in self.events
            if event.HasField("notice")
        ]


async def refused(call: Awaitable[object]) -> Failure:
    """How a call fails, which it must."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)
