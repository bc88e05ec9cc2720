"""SpeechService: each method decodes, calls one use case, encodes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

import grpc
from google.protobuf.message import Message

from kaiwa.speech.v1 import speech_service_pb2 as pb
from kaiwa.speech.v1 import speech_service_pb2_grpc as pb_grpc
from server.rpc.call import current_call, current_caller
from server.rpc.wire import PageTokens, seconds
from server.speech.assess_recording import AssessRecording
from server.speech.check_microphone import CheckMicrophone
from server.speech.delete_attempt import DeleteAttempt
from server.speech.end_speaking_session import EndSpeakingSession
from server.speech.finish_practice import FinishPractice
from server.speech.get_attempt import GetAttempt
from server.speech.get_attempt_audio import GetAttemptAudio
from server.speech.list_attempts import ListAttempts
from server.speech.list_speaking_sessions import ListSpeakingSessions
from server.speech.mapping import events, requests, results
from server.speech.open_practice import OpenPractice
from server.speech.practice import Practice
from server.speech.push_practice_audio import PushPracticeAudio
from server.speech.start_speaking_session import StartSpeakingSession
from server.speech.transcribe import Transcribe

Context: TypeAlias = grpc.aio.ServicerContext[Message, Message]


@dataclass(frozen=True, slots=True)
class SpeechUseCases:
    """What SpeechService answers with."""

    practice: Practice
    open_practice: OpenPractice
    push_practice_audio: PushPracticeAudio
    finish_practice: FinishPractice
    assess_recording: AssessRecording
    transcribe: Transcribe
    check_microphone: CheckMicrophone
    start_speaking_session: StartSpeakingSession
    end_speaking_session: EndSpeakingSession
    list_speaking_sessions: ListSpeakingSessions
    list_attempts: ListAttempts
    get_attempt: GetAttempt
    get_attempt_audio: GetAttemptAudio
    delete_attempt: DeleteAttempt


class SpeechServicer(pb_grpc.SpeechServiceServicer):
    """Answers SpeechService.

    Args:
        use_cases: what answers.
        page_tokens: makes and reads page tokens.
    """

    def __init__(self, use_cases: SpeechUseCases, page_tokens: PageTokens) -> None:
        self._use = use_cases
        self._page_tokens = page_tokens

    async def Practice(
        self, request_iterator: AsyncIterator[pb.PracticeRequest], context: Context
    ) -> AsyncIterator[pb.PracticeResponse]:
        intake = (requests.practice_intake(request) async for request in request_iterator)
        async with aclosing(self._use.practice(current_caller(), intake)) as happened:
            async for event in happened:
                _heard(event.audio_offset)
                yield events.practice_event(event, pb.PracticeResponse)

    async def OpenPractice(
        self, request: pb.OpenPracticeRequest, context: Context
    ) -> AsyncIterator[pb.OpenPracticeResponse]:
        config = requests.practice_config(request.config)
        async with aclosing(self._use.open_practice(current_caller(), config)) as happened:
            async for event in happened:
                _heard(event.audio_offset)
                yield events.practice_event(event, pb.OpenPracticeResponse)

    async def PushPracticeAudio(
        self, request: pb.PushPracticeAudioRequest, context: Context
    ) -> pb.PushPracticeAudioResponse:
        audio = requests.pushed_audio(request)
        return pb.PushPracticeAudioResponse(
            acknowledged_offset=await self._use.push_practice_audio(
                current_caller(), request.practice_id.lower(), request.offset, audio
            )
        )

    async def FinishPractice(self, request: pb.FinishPracticeRequest, context: Context) -> pb.FinishPracticeResponse:
        return pb.FinishPracticeResponse(
            acknowledged_offset=await self._use.finish_practice(
                current_caller(), request.practice_id.lower(), requests.final_offset(request)
            )
        )

    async def AssessRecording(
        self, request_iterator: AsyncIterator[pb.AssessRecordingRequest], context: Context
    ) -> pb.AssessRecordingResponse:
        intake = (requests.recording_intake(request) async for request in request_iterator)
        assessed = await self._use.assess_recording(current_caller(), intake)
        _heard(assessed.attempt.audio_seconds)
        return pb.AssessRecordingResponse(
            attempt=results.attempt_message(assessed.attempt),
            notices=map(events.notice_message, assessed.notices),
        )

    async def Transcribe(self, request: pb.TranscribeRequest, context: Context) -> pb.TranscribeResponse:
        transcribed = await self._use.transcribe(current_caller(), requests.recording(request))
        _heard(transcribed.seconds)
        return pb.TranscribeResponse(
            transcript=results.transcript_message(transcribed.transcript),
            audio_duration=seconds(transcribed.seconds),
            speech_model=transcribed.speech_model,
        )

    async def CheckMicrophone(self, request: pb.CheckMicrophoneRequest, context: Context) -> pb.CheckMicrophoneResponse:
        report = await self._use.check_microphone(current_caller(), requests.clip(request))
        return pb.CheckMicrophoneResponse(report=results.microphone_message(report))

    async def StartSpeakingSession(
        self, request: pb.StartSpeakingSessionRequest, context: Context
    ) -> pb.StartSpeakingSessionResponse:
        session = await self._use.start_speaking_session(current_caller(), requests.new_session(request))
        return pb.StartSpeakingSessionResponse(speaking_session=results.session_message(session))

    async def EndSpeakingSession(
        self, request: pb.EndSpeakingSessionRequest, context: Context
    ) -> pb.EndSpeakingSessionResponse:
        session = await self._use.end_speaking_session(current_caller(), request.speaking_session_id)
        return pb.EndSpeakingSessionResponse(speaking_session=results.session_message(session))

    async def ListSpeakingSessions(
        self, request: pb.ListSpeakingSessionsRequest, context: Context
    ) -> pb.ListSpeakingSessionsResponse:
        page = await self._use.list_speaking_sessions(
            current_caller(),
            requests.session_filter(request),
            self._page_tokens.request("ListSpeakingSessions", request),
        )
        return pb.ListSpeakingSessionsResponse(
            speaking_sessions=map(results.session_message, page.items),
            next_page_token=self._page_tokens.token("ListSpeakingSessions", request, page.next),
        )

    async def ListAttempts(self, request: pb.ListAttemptsRequest, context: Context) -> pb.ListAttemptsResponse:
        page = await self._use.list_attempts(
            current_caller(), requests.attempt_filter(request), self._page_tokens.request("ListAttempts", request)
        )
        return pb.ListAttemptsResponse(
            attempts=map(results.attempt_message, page.items),
            next_page_token=self._page_tokens.token("ListAttempts", request, page.next),
        )

    async def GetAttempt(self, request: pb.GetAttemptRequest, context: Context) -> pb.GetAttemptResponse:
        attempt = await self._use.get_attempt(current_caller(), request.attempt_id)
        return pb.GetAttemptResponse(attempt=results.attempt_message(attempt))

    async def GetAttemptAudio(
        self, request: pb.GetAttemptAudioRequest, context: Context
    ) -> AsyncIterator[pb.GetAttemptAudioResponse]:
        file = await self._use.get_attempt_audio(
            current_caller(), request.attempt_id, requests.file_format(request), requests.audio_span(request)
        )
        for message in results.audio_messages(file):
            yield message

    async def DeleteAttempt(self, request: pb.DeleteAttemptRequest, context: Context) -> pb.DeleteAttemptResponse:
        await self._use.delete_attempt(current_caller(), request.attempt_id)
        return pb.DeleteAttemptResponse()


def _heard(audio_seconds: float) -> None:
    """Puts the length of the audio into the call's log line."""
    current_call().facts["audio_seconds"] = round(audio_seconds, 2)
