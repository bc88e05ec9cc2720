"""People who speak to a server by the clock: 100 ms of audio every 100 ms, with pauses between sentences."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from itertools import pairwise

import grpc
from google.protobuf.duration_pb2 import Duration

from bench.speech.clips import RATE, Spoken
from kaiwa.speech.v1 import audio_pb2, practice_pb2
from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1 import speech_service_pb2_grpc as rpc

_CHUNK = 0.1
_BYTES_A_SECOND = 2 * RATE
_SILENCE = bytes(int(_CHUNK * _BYTES_A_SECOND))
_LONGEST_SILENCE = 5.0
_PATIENCE = 60.0


class Mode(Enum):
    """How one speaks."""

    READING = "reading"
    """A reference, text every second, ended by the client."""
    FREE = "free"
    """No reference, text every half second, ended by the client."""
    ENDPOINTED = "endpointed"
    """A reference, ended by silence."""


@dataclass(slots=True)
class Said:
    """What became of one sentence; times are those of a monotonic clock, in seconds.

    Attributes:
        began: when the first sample was made.
        signalled: when the server was told that there is no more; where silence ends it, when the last sound was made.
        texts: when a partial came, its stable and its unstable text.
        ended_early: whether a pause within the sentence was long enough to end it.
        transcript_at: when the transcript came; None: it never did.
        assessed_at: when the assessment came.
        status: what the stream ended with.
        told_after: seconds from the call to its end, where it was refused.
    """

    spoken: Spoken
    mode: Mode
    began: float
    signalled: float = 0.0
    texts: list[tuple[float, str, str]] = field(default_factory=list)
    ended_early: bool = False
    transcript: str = ""
    transcript_at: float | None = None
    assessed_at: float | None = None
    status: grpc.StatusCode = grpc.StatusCode.OK
    told_after: float = 0.0

    @property
    def final_ms(self) -> float | None:
        """From the end of speech to the transcript."""
        return None if self.transcript_at is None or self.ended_early else 1000 * (self.transcript_at - self.signalled)

    @property
    def assessment_ms(self) -> float | None:
        """From the end of speech to the assessment."""
        return None if self.assessed_at is None else 1000 * (self.assessed_at - self.signalled)

    @property
    def first_partial_ms(self) -> float | None:
        """From the first sound to the first text."""
        return 1000 * (self.texts[0][0] - self.began - self.spoken.onset) if self.texts else None

    @property
    def gaps(self) -> list[float]:
        """Seconds without new decoded text: from the first sound to each text in turn, and on to the end of speech."""
        moments = [self.began + self.spoken.onset, *(at for at, _, _ in self.texts), self.signalled]
        return [after - before for before, after in pairwise(moments) if after > before]


@dataclass(frozen=True, slots=True)
class Crowd:
    """What all speakers said in a while.

    Attributes:
        speech: seconds of audio that went in.
        wall: seconds that it took.
    """

    said: Sequence[Said]
    speech: float
    wall: float

    @property
    def admitted(self) -> list[Said]:
        """What was not refused at the beginning."""
        return [one for one in self.said if one.status is not grpc.StatusCode.RESOURCE_EXHAUSTED]

    @property
    def refused(self) -> list[Said]:
        """What was refused."""
        return [one for one in self.said if one.status is grpc.StatusCode.RESOURCE_EXHAUSTED]


async def speak(address: str, tokens: Sequence[str], sentences: Sequence[Spoken], mode: Mode, seconds: float) -> Crowd:
    """Lets as many people as there are tokens speak for a while, each with sentences of their own order.

    Args:
        address: of the server.
        tokens: an access token of each speaker.
        seconds: nobody begins a sentence after that.
    """
    async with grpc.aio.insecure_channel(address) as channel:
        stub: rpc.SpeechServiceAsyncStub = rpc.SpeechServiceStub(channel)
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(_speaker(stub, token, sentences, mode, number, began, len(tokens), seconds))
                for number, token in enumerate(tokens)
            ]
        said = [one for task in tasks for one in task.result()]
        speech = sum(one.spoken.seconds for one in said if one.status is grpc.StatusCode.OK)
        return Crowd(said, speech, time.monotonic() - began)


async def _speaker(
    stub: rpc.SpeechServiceAsyncStub,
    token: str,
    sentences: Sequence[Spoken],
    mode: Mode,
    number: int,
    began: float,
    of: int,
    seconds: float,
) -> list[Said]:
    chance = random.Random(number)
    said: list[Said] = []
    await asyncio.sleep(4.0 * number / of)
    turn = number * len(sentences) // of
    while time.monotonic() - began < seconds:
        one = await practise(stub, token, sentences[turn % len(sentences)], mode)
        said.append(one)
        turn += 1
        if one.status is grpc.StatusCode.RESOURCE_EXHAUSTED:
            await asyncio.sleep(2.0)
        await asyncio.sleep(chance.uniform(0.8, 2.0))
    return said


async def practise(
    stub: rpc.SpeechServiceAsyncStub, token: str, spoken: Spoken, mode: Mode, *, paced: bool = True
) -> Said:
    """Says one sentence; without `paced`, all of it at once."""
    opened = time.monotonic()
    said = Said(spoken, mode, began=opened)
    ended = asyncio.Event()
    call = stub.Practice(
        _requests(said, ended, paced=paced),
        metadata=(("authorization", f"Bearer {token}"),),
        timeout=spoken.seconds + _PATIENCE,
    )
    try:
        async for event in call:
            _take(said, event, ended)
    except grpc.aio.AioRpcError as error:
        said.status = error.code()
        said.told_after = time.monotonic() - opened
    return said


def _take(said: Said, event: pb.PracticeResponse, ended: asyncio.Event) -> None:
    now = time.monotonic()
    match event.WhichOneof("event"):
        case "partial":
            if event.partial.stable_text or event.partial.unstable_text:
                said.texts.append((now, event.partial.stable_text, event.partial.unstable_text))
        case "speech_ended":
            said.ended_early = said.signalled == 0.0
            ended.set()
        case "transcript":
            said.transcript, said.transcript_at = event.transcript.text, now
        case "assessment":
            said.assessed_at = now
        case _:
            pass


async def _requests(said: Said, ended: asyncio.Event, *, paced: bool) -> AsyncIterator[pb.PracticeRequest]:
    yield pb.PracticeRequest(config=_config(said))
    audio = said.spoken.linear16
    size = len(_SILENCE)
    said.began = time.monotonic()
    for start in range(0, len(audio), size):
        if ended.is_set():
            return
        piece = audio[start : start + size]
        if paced:
            await _until(said.began + (start + len(piece)) / _BYTES_A_SECOND)
        yield pb.PracticeRequest(audio=piece)
    said.signalled = said.began + said.spoken.seconds - 0.05 if said.mode is Mode.ENDPOINTED else time.monotonic()
    if said.mode is not Mode.ENDPOINTED:
        yield pb.PracticeRequest(finish=practice_pb2.PracticeFinish())
        return
    silent = 0.0
    while not ended.is_set() and silent < _LONGEST_SILENCE:
        silent += _CHUNK
        await _until(said.began + said.spoken.seconds + silent)
        yield pb.PracticeRequest(audio=_SILENCE)


async def _until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


def _config(said: Said) -> practice_pb2.PracticeConfig:
    config = practice_pb2.PracticeConfig(
        practice_id=str(uuid.uuid4()),
        audio_format=audio_pb2.AudioFormat(encoding=audio_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hertz=RATE),
        partial_interval=_duration(timedelta(seconds=0.5 if said.mode is Mode.FREE else 1.0)),
    )
    if said.mode is not Mode.FREE:
        config.reference_text = said.spoken.text
    if said.mode is Mode.ENDPOINTED:
        config.endpointing.finish_on_silence = True
    return config


def _duration(value: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(value)
    return duration
