"""The speech half of the fake Kaiwa: practices with resumption, transcription and the history."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import grpc
import grpc.aio
import protovalidate

from kaiwa.speech.v1 import (
    assessment_pb2,
    attempt_pb2,
    message_parameter_pb2,
    practice_pb2,
    practice_purpose_pb2,
    reference_pb2,
    span_pb2,
    speech_service_pb2_grpc,
    transcript_pb2,
)
from kaiwa.speech.v1 import speech_service_pb2 as pb
from server.errors import ApplicationError, InvalidInput, NotFound, Reason
from server.rpc.status import abort
from tests.support.kernel import NOON

TEXT, READING, MORAE = "今日は雨だ", "キョーワアメダ", ("キョ", "ー", "ワ", "ア", "メ", "ダ")
_WORDS = (("今日", 0, 2), ("は", 2, 1), ("雨", 3, 2), ("だ", 5, 1))
_SCORES = (96.0, 40.0, 91.0, 88.0, 70.0, 97.0)
_PARTIALS = (("", "きょう", 2), ("今日は", "あめ", 5), ("今日は雨", "だ", 6))

Context = grpc.aio.ServicerContext[pb.PracticeRequest, pb.PracticeResponse]


@dataclass(slots=True)
class FakePractice:
    """A practice: its audio, and its events so far without `ready` and notices."""

    config: practice_pb2.PracticeConfig
    audio: bytearray = field(default_factory=bytearray)
    events: list[pb.PracticeResponse] = field(default_factory=list)
    sequence: int = 0
    partials: int = 0
    graded: bool = False


@dataclass(slots=True)
class FakeSpeech:
    """Practices and their script.

    Attributes:
        check: refuses a call without a good token.
        breaks: counts of audio bytes at which the stream breaks, each once.
        break_after_saved: breaks the stream when the attempt is stored but its result is not told.
        refuse_config: the error that the next config is answered with.
        lose_on_break: forgets the audio when a stream breaks.
        longest_utterance: told in `ready`.
        notices: sent after `ready`.
        chunks: the sizes of the audio messages, in order.
    """

    check: Callable[[grpc.aio.ServicerContext[object, object]], object]
    port: int = 0
    breaks: list[int] = field(default_factory=list)
    break_after_saved: bool = False
    refuse_config: list[ApplicationError] = field(default_factory=list)
    lose_on_break: bool = False
    longest_utterance: timedelta = timedelta(seconds=30)
    notices: list[practice_pb2.Notice] = field(default_factory=list)
    practices: dict[str, FakePractice] = field(default_factory=dict)
    attempts: list[attempt_pb2.Attempt] = field(default_factory=list)
    configs: list[practice_pb2.PracticeConfig] = field(default_factory=list)
    chunks: list[int] = field(default_factory=list)
    transcribed: list[pb.TranscribeRequest] = field(default_factory=list)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Puts the service on a server."""
        speech_service_pb2_grpc.add_SpeechServiceServicer_to_server(_Speech(self), server)


class _Speech(speech_service_pb2_grpc.SpeechServiceServicer):
    def __init__(self, fake: FakeSpeech) -> None:
        self._fake = fake

    async def Practice(self, requests, context):  # type: ignore[no-untyped-def]
        try:
            self._fake.check(context)
            async for response in self._practice(requests, context):
                yield response
        except ApplicationError as error:
            await abort(context, error)

    async def _practice(
        self, requests: AsyncIterator[pb.PracticeRequest], context: Context
    ) -> AsyncIterator[pb.PracticeResponse]:
        fake = self._fake
        first = await anext(requests)
        protovalidate.validate(first)
        if first.WhichOneof("message") != "config":
            raise InvalidInput("config", "must come first", reason=Reason.CONFIG_REQUIRED)
        config = first.config
        fake.configs.append(config)
        if fake.refuse_config:
            raise fake.refuse_config.pop(0)
        known = config.practice_id in fake.practices
        practice = fake.practices.setdefault(config.practice_id, FakePractice(config))
        yield _next(practice, pb.PracticeResponse(ready=_ready(practice, fake.longest_utterance)))
        for notice in fake.notices:
            yield _next(practice, pb.PracticeResponse(notice=notice))
        if known:
            resumed = practice_pb2.Notice(kind=practice_pb2.NOTICE_KIND_RESUMED)
            yield _next(practice, pb.PracticeResponse(notice=resumed))
            for event in _still_true(practice.events):
                yield _next(practice, event)
        if not practice.graded:
            async for request in requests:
                protovalidate.validate(request)
                if request.WhichOneof("message") == "finish":
                    break
                practice.audio += request.audio
                fake.chunks.append(len(request.audio))
                for event in _heard(practice):
                    yield _next(practice, event)
                if fake.breaks and len(practice.audio) >= fake.breaks[0]:
                    fake.breaks.pop(0)
                    if fake.lose_on_break:
                        practice.audio.clear()
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            else:
                # The requests of a stream that was cut off end like those of one that was closed, and the cancellation
                # comes a moment later. The client always finishes, so it is that.
                await asyncio.Event().wait()
            practice.graded = True
            results = _results(practice)
            fake.attempts.insert(0, _attempt(practice, results))
            practice.events += results
            if fake.break_after_saved:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            for event in results:
                yield _next(practice, event)

    async def Transcribe(self, request, context):  # type: ignore[no-untyped-def]
        protovalidate.validate(request)
        self._fake.transcribed.append(request)
        try:
            self._fake.check(context)
            if not request.audio.startswith((b"RIFF", b"fLaC", b"OggS")):
                raise InvalidInput("audio", "is no audio", reason=Reason.AUDIO_UNDECODABLE)
        except ApplicationError as error:
            await abort(context, error)
        response = pb.TranscribeResponse(transcript=_transcript(), speech_model="fake")
        response.audio_duration.FromMilliseconds(1500)
        return response

    async def ListAttempts(self, request, context):  # type: ignore[no-untyped-def]
        protovalidate.validate(request)
        try:
            self._fake.check(context)
        except ApplicationError as error:
            await abort(context, error)
        return pb.ListAttemptsResponse(attempts=self._fake.attempts[: request.page_size])

    async def GetAttempt(self, request, context):  # type: ignore[no-untyped-def]
        protovalidate.validate(request)
        for attempt in self._fake.attempts:
            if attempt.attempt_id == request.attempt_id:
                return pb.GetAttemptResponse(attempt=attempt)
        missing = {"attempt_id": request.attempt_id}
        await abort(context, NotFound(Reason.ATTEMPT_NOT_FOUND, "none", metadata=missing))


def _next(practice: FakePractice, event: pb.PracticeResponse) -> pb.PracticeResponse:
    practice.sequence += 1
    told = pb.PracticeResponse()
    told.CopyFrom(event)
    told.sequence = practice.sequence
    told.audio_offset.FromMilliseconds(_milliseconds(practice))
    return told


def _milliseconds(practice: FakePractice) -> int:
    return len(practice.audio) // 2 * 1000 // practice.config.audio_format.sample_rate_hertz


def _still_true(events: list[pb.PracticeResponse]) -> list[pb.PracticeResponse]:
    latest = {event.WhichOneof("event"): event for event in events}
    order = ("speech_started", "partial", "speech_ended", "transcript", "assessment", "saved")
    return [latest[name] for name in order if name in latest]


def _ready(practice: FakePractice, longest: timedelta) -> practice_pb2.PracticeReady:
    ready = practice_pb2.PracticeReady(practice_id=practice.config.practice_id, resume_offset=len(practice.audio))
    ready.limits.longest_chunk_bytes = 65536
    ready.limits.longest_utterance.FromTimedelta(longest)
    ready.limits.idle_timeout.FromSeconds(10)
    if practice.config.WhichOneof("target"):
        ready.reference.CopyFrom(reference())
    return ready


def reference() -> reference_pb2.Reference:
    """What is to be read."""
    found = reference_pb2.Reference(text=TEXT, reading=READING, english="It is rainy today.")
    for index, mora in enumerate(MORAE):
        found.morae.add(mora=mora, text_span=span_pb2.TextSpan(offset=min(index, 4), length=1))
    return found


def _heard(practice: FakePractice) -> list[pb.PracticeResponse]:
    """What the audio so far brings: speech after 200 ms, then a partial every 300 ms. Silence brings nothing."""
    if not any(practice.audio):
        return []
    new: list[pb.PracticeResponse] = []
    heard = _milliseconds(practice)
    if heard >= 200 and not practice.events:
        started = pb.PracticeResponse()
        started.speech_started.start.FromMilliseconds(120)
        new.append(started)
    while practice.partials < len(_PARTIALS) and heard >= 300 * (practice.partials + 1):
        stable, unstable, read = _PARTIALS[practice.partials]
        partial = practice_pb2.Partial(stable_text=stable, unstable_text=unstable, morae_read=read, morae_total=6)
        practice.partials += 1
        new.append(pb.PracticeResponse(partial=partial))
    practice.events += new
    return new


def _results(practice: FakePractice) -> list[pb.PracticeResponse]:
    spoken = any(practice.audio)
    ended = practice_pb2.SpeechEnded(cause=practice_pb2.SPEECH_END_CAUSE_CLIENT_FINISHED)
    if spoken:
        ended.speech_end.FromMilliseconds(1400)
    saved = practice_pb2.AttemptSaved(attempt_id=str(uuid.UUID(int=len(practice.audio) + 1)), audio_kept=True)
    saved.create_time.FromDatetime(NOON)
    return [
        pb.PracticeResponse(speech_ended=ended),
        pb.PracticeResponse(transcript=_transcript() if spoken else transcript_pb2.Transcript()),
        pb.PracticeResponse(assessment=assessment() if spoken else _silence()),
        pb.PracticeResponse(saved=saved),
    ]


def _transcript() -> transcript_pb2.Transcript:
    return transcript_pb2.Transcript(text=TEXT, reading=READING, confidence=0.93, language="ja")


def _silence() -> assessment_pb2.Assessment:
    return assessment_pb2.Assessment(assessable=False, unassessable_reason=assessment_pb2.UNASSESSABLE_REASON_NO_SPEECH)


def assessment() -> assessment_pb2.Assessment:
    """A reading in which the long vowel of 今日 was short."""
    made = assessment_pb2.Assessment(assessable=True, reference=reference())
    made.scores.overall, made.scores.accuracy, made.scores.fluency = 81.5, 80.0, 90.0
    made.scores.completeness = 100.0
    for text, first, count in _WORDS:
        word = made.words.add(text=text, reading="".join(MORAE[first : first + count]))
        word.score = min(_SCORES[first : first + count])
        word.error = assessment_pb2.ERROR_KIND_LENGTH if text == "今日" else assessment_pb2.ERROR_KIND_NONE
        word.morae.first, word.morae.count = first, count
        word.audio_span.start.FromMilliseconds(first * 200)
        word.audio_span.end.FromMilliseconds((first + count) * 200)
    for index, (text, score) in enumerate(zip(MORAE, _SCORES, strict=True)):
        mora = made.morae.add(mora=text, heard=text, score=score, error=assessment_pb2.ERROR_KIND_NONE)
        if text == "ー":
            mora.error, mora.heard = assessment_pb2.ERROR_KIND_LENGTH, ""
        else:
            mora.audio_span.start.FromMilliseconds(index * 200)
            mora.audio_span.end.FromMilliseconds(index * 200 + 200)
    made.findings.add(
        message_key="long_vowel_shortened",
        parameters=[
            message_parameter_pb2.MessageParameter(name="word", text="今日"),
            message_parameter_pb2.MessageParameter(name="reading", text="キョー"),
            message_parameter_pb2.MessageParameter(name="ratio", number=0.55),
        ],
        error=assessment_pb2.ERROR_KIND_LENGTH,
        work_on=True,
    )
    return made


def _attempt(practice: FakePractice, results: list[pb.PracticeResponse]) -> attempt_pb2.Attempt:
    attempt = attempt_pb2.Attempt(
        attempt_id=results[3].saved.attempt_id,
        practice_id=practice.config.practice_id,
        reference_text=TEXT if practice.config.WhichOneof("target") else "",
        purpose=practice_purpose_pb2.PRACTICE_PURPOSE_PRACTICE,
        transcript=results[1].transcript,
        assessment=results[2].assessment,
    )
    attempt.audio_duration.FromMilliseconds(_milliseconds(practice))
    attempt.create_time.FromDatetime(NOON)
    return attempt
