"""Practices with a real server: recordings, a native stream, and the browser's three calls."""

from __future__ import annotations

import asyncio
import csv
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import grpc
import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from kaiwa.speech.v1 import assessment_pb2, audio_pb2, practice_pb2, transcript_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1.speech_service_pb2_grpc import SpeechServiceStub
from tests.support.grpcweb import GrpcWeb, GrpcWebCall
from tests.support.real_server import Learner

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_recordings = pytest.mark.skipif(
    not SHARED.is_dir(), reason="needs the recordings in ../shared/data, which are no part of the project"
)
RATE = 16_000
CHUNK = 3_200
"""Bytes of 100 ms at 16 kHz."""

Samples = NDArray[np.float32]
Event = pb.PracticeResponse | pb.OpenPracticeResponse
Unassessable = assessment_pb2.UnassessableReason

_SPEECH = "/kaiwa.speech.v1.SpeechService"
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Clip:
    """A recording of the shared data; `text` is empty where nobody knows what is said."""

    id: str
    file: Path
    kind: str
    text: str

    @property
    def samples(self) -> Samples:
        """At 16 kHz, between -1 and 1."""
        samples, rate = soundfile.read(self.file, dtype="float32")
        assert rate == RATE
        return cast("Samples", samples)


def clips(folder: str) -> dict[str, Clip]:
    """The recordings of a folder of the shared data by id; none where it is absent."""
    manifest = SHARED / folder / "manifest.tsv"
    if not manifest.exists():
        return {}
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["id"]: Clip(row["id"], manifest.with_name(row["file"]), row["kind"], row["text"]) for row in rows}


def linear16(samples: Samples, rate: int = RATE) -> bytes:
    """Samples at 16 kHz as LINEAR16 at another rate."""
    if rate != RATE:
        samples = soxr.resample(samples, RATE, rate)
    return np.clip(np.rint(samples * 32767), -32768, 32767).astype("<i2").tobytes()


def pieces(audio: bytes, *sizes: int) -> Iterator[bytes]:
    """Audio cut into pieces of these sizes, again and again."""
    start = 0
    while start < len(audio):
        for size in sizes:
            if start < len(audio):
                yield audio[start : start + size]
            start += size


def config(text: str = "", *, rate: int = RATE, **fields: object) -> practice_pb2.PracticeConfig:
    """A practice of a text, or free speech without one."""
    made = practice_pb2.PracticeConfig(
        practice_id=str(uuid.uuid4()),
        audio_format=audio_pb2.AudioFormat(encoding=audio_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=rate),
    )
    if text:
        made.reference_text = text
    made.MergeFrom(practice_pb2.PracticeConfig(**fields))  # type: ignore[arg-type]
    return made


@dataclass(slots=True)
class Outcome:
    """The events of a practice so far."""

    events: list[Event] = field(default_factory=list)

    def kinds(self) -> list[str]:
        """What happened, in order, without partials and notices."""
        kinds = [str(event.WhichOneof("event")) for event in self.events]
        return [kind for kind in kinds if kind not in {"partial", "notice"}]

    @property
    def ready(self) -> practice_pb2.PracticeReady:
        return self._only("ready").ready

    @property
    def transcript(self) -> transcript_pb2.Transcript:
        return self._only("transcript").transcript

    @property
    def assessment(self) -> assessment_pb2.Assessment:
        return self._only("assessment").assessment

    @property
    def saved(self) -> practice_pb2.AttemptSaved:
        return self._only("saved").saved

    @property
    def partials(self) -> list[practice_pb2.Partial]:
        return [event.partial for event in self.events if event.HasField("partial")]

    @property
    def notices(self) -> list[str]:
        """The kinds of the notices, such as `SAVING_DELAYED`."""
        names = practice_pb2.NoticeKind
        kinds = [event.notice.kind for event in self.events if event.HasField("notice")]
        return [names.Name(kind).removeprefix("NOTICE_KIND_") for kind in kinds]

    @property
    def result(self) -> tuple[transcript_pb2.Transcript, assessment_pb2.Assessment]:
        """Transcript and assessment, without the time of day."""
        assessment = assessment_pb2.Assessment.FromString(self.assessment.SerializeToString())
        assessment.ClearField("assess_time")
        return self.transcript, assessment

    def _only(self, kind: str) -> Event:
        (event,) = (event for event in self.events if event.WhichOneof("event") == kind)
        return event


class Talk:
    """One native stream. Leaving the block cancels what is still open."""

    def __init__(self, channel: grpc.aio.Channel, learner: Learner) -> None:
        self._call = SpeechServiceStub(channel).Practice(metadata=learner.metadata, timeout=_PATIENCE)
        self.outcome = Outcome()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call.cancel()

    async def begin(self, config: practice_pb2.PracticeConfig) -> practice_pb2.PracticeReady:
        """Sends the config and waits for `ready`."""
        # When the stream was refused, reading tells why.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await self._call.write(pb.PracticeRequest(config=config))
        return (await self.until("ready")).ready

    async def send(self, audio: Iterable[bytes]) -> None:
        """Sends audio as fast as it is taken."""
        for piece in audio:
            await self._call.write(pb.PracticeRequest(audio=piece))

    async def finish(self) -> None:
        """Says that there is no more audio."""
        await self._call.write(pb.PracticeRequest(finish=practice_pb2.PracticeFinish()))
        await self._call.done_writing()

    async def until(self, kind: str, wanted: Callable[[Event], bool] = lambda event: True) -> Event:
        """Reads until an event of this kind that is wanted."""
        while True:
            event = await self._call.read()
            assert event is not grpc.aio.EOF, f"the stream has ended without {kind}"
            event = cast("pb.PracticeResponse", event)
            self.outcome.events.append(event)
            if event.WhichOneof("event") == kind and wanted(event):
                return event

    async def rest(self) -> Outcome:
        """Reads until the stream ends well.

        Raises:
            grpc.aio.AioRpcError: it ends otherwise.
        """
        while (event := await self._call.read()) is not grpc.aio.EOF:
            self.outcome.events.append(cast("pb.PracticeResponse", event))
        return self.outcome


async def practise(
    channel: grpc.aio.Channel, learner: Learner, asked: practice_pb2.PracticeConfig, audio: Iterable[bytes]
) -> Outcome:
    """A whole practice, sent as fast as the server takes it.

    Raises:
        grpc.aio.AioRpcError: it failed.
    """
    async with Talk(channel, learner) as talk:
        await talk.begin(asked)
        reader = asyncio.create_task(talk.rest())
        # When the stream breaks, reading tells why.
        with suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
            await talk.send(audio)
            await talk.finish()
        return await reader


class WebPractice:
    """One practice as a browser does it: OpenPractice, PushPracticeAudio and FinishPractice as gRPC-web."""

    def __init__(self, address: str, learner: Learner, asked: practice_pb2.PracticeConfig) -> None:
        self.outcome = Outcome()
        self._practice_id = asked.practice_id
        self._metadata = {**dict(learner.metadata), "x-kaiwa-practice-id": asked.practice_id}
        self._web = GrpcWeb(address, origin="http://localhost:5173", timeout=_PATIENCE)
        request = pb.OpenPracticeRequest(config=asked)
        self.stream: GrpcWebCall = self._web.start(
            f"{_SPEECH}/OpenPractice", request.SerializeToString(), self._metadata
        )
        self._messages = iter(self.stream)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stream.__exit__(kind, error, trace)

    def until(self, kind: str, wanted: Callable[[Event], bool] = lambda event: True) -> Event:
        """Reads until an event of this kind that is wanted."""
        for message in self._messages:
            event = pb.OpenPracticeResponse.FromString(message)
            self.outcome.events.append(event)
            if event.WhichOneof("event") == kind and wanted(event):
                return event
        raise AssertionError(f"the stream has ended without {kind}: {self.stream.status} {self.stream.message}")

    def push(self, audio: bytes, offset: int) -> GrpcWebCall:
        """Sends a piece; the call has ended."""
        request = pb.PushPracticeAudioRequest(practice_id=self._practice_id, offset=offset, audio=audio)
        return self._unary("PushPracticeAudio", request)

    def send(self, audio: Iterable[bytes], offset: int = 0) -> int:
        """Sends pieces in order, each when the one before was taken; where the audio ends now."""
        for piece in audio:
            call = self.push(piece, offset)
            assert call.status == 0, call.message
            offset += len(piece)
        return offset

    def finish(self, final_offset: int) -> GrpcWebCall:
        """Says how much audio there is in all."""
        request = pb.FinishPracticeRequest(practice_id=self._practice_id, final_offset=final_offset)
        return self._unary("FinishPractice", request)

    def rest(self) -> Outcome:
        """Reads until the stream ends, which must be well."""
        self.outcome.events += [pb.OpenPracticeResponse.FromString(message) for message in self._messages]
        assert self.stream.status == 0, self.stream.message
        return self.outcome

    def _unary(self, method: str, request: pb.PushPracticeAudioRequest | pb.FinishPracticeRequest) -> GrpcWebCall:
        _, call = self._web.call(f"{_SPEECH}/{method}", request.SerializeToString(), self._metadata)
        return call
