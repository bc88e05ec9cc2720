"""SpeechService put together, and the engines it hears with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kaiwa.speech.v1 import speech_service_pb2_grpc as speech_rpc
from server.accounts.check_session import CheckSession
from server.adapters.audio.decoder import ProcessFileDecoder
from server.adapters.audio.encoder import AudioFileEncoder
from server.adapters.audio.pcm import Linear16Decoder
from server.adapters.domino.network import DominoNetwork
from server.adapters.domino.weights import find_weights as find_domino
from server.adapters.engine_threads import Backlog, EngineThreads, Meter
from server.adapters.openjtalk.pronunciation import OpenJTalkPronunciations
from server.adapters.openjtalk.readings import SpokenReadings
from server.adapters.whisper.model import WhisperModel
from server.adapters.whisper.recogniser import WhisperRecogniser
from server.adapters.whisper.vad import SileroDetector, SileroNetwork
from server.adapters.whisper.weights import find_weights
from server.assembly.shared import Shared
from server.config import Settings
from server.rpc.server import Service
from server.speech.assess_recording import AssessRecording
from server.speech.check_microphone import CheckMicrophone
from server.speech.conclusion import Conclusion
from server.speech.delete_attempt import DeleteAttempt
from server.speech.domain.prosody.pitch import track
from server.speech.end_speaking_session import EndSpeakingSession
from server.speech.finish_practice import FinishPractice
from server.speech.get_attempt import GetAttempt
from server.speech.get_attempt_audio import GetAttemptAudio
from server.speech.list_attempts import ListAttempts
from server.speech.list_speaking_sessions import ListSpeakingSessions
from server.speech.open_practice import OpenPractice, PracticeOpener
from server.speech.parameters import assessment_parameters
from server.speech.phoneme_assessor import PhonemeAssessor
from server.speech.pitch_follower import VoicePitchFollower
from server.speech.ports import (
    SAMPLE_RATE,
    Assessor,
    Computation,
    Follower,
    PitchFollower,
    Recogniser,
    Samples,
    VoiceDetector,
)
from server.speech.practice import Practice
from server.speech.practice_config import PracticeLimits, PracticePreparation
from server.speech.practice_sessions import PracticeSessions
from server.speech.practice_spec import PracticeTools
from server.speech.push_practice_audio import PushPracticeAudio
from server.speech.reading_follower import PhonemeFollower
from server.speech.servicer import SpeechServicer, SpeechUseCases
from server.speech.start_speaking_session import StartSpeakingSession
from server.speech.transcribe import Transcribe


@dataclass(frozen=True, slots=True)
class Judging:
    """What judges how something was said.

    Attributes:
        assessor: judges utterances.
        follower: tells how far a reading is.
        pitch: tells the pitch of a voice while it speaks.
        threads: where all of it is computed.
    """

    assessor: Assessor
    follower: Follower
    pitch: PitchFollower
    threads: Computation


@dataclass(frozen=True, slots=True)
class Engines:
    """What hears: loaded where speech is served.

    Attributes:
        judging: what judges pronunciation.
        close: lets go of all.
    """

    recogniser: Recogniser
    voice: VoiceDetector
    judging: Judging
    close: Callable[[], None]


def load_engines(settings: Settings, meter: Meter) -> Engines:
    """Loads the weights; takes a second or two.

    Args:
        settings: what is set.
        meter: takes measurements of the engines.

    Raises:
        WeightsError: there are none.
    """
    weights = find_weights(settings.whisper.model, settings.home / "models")
    model = WhisperModel(
        weights.folder,
        device=settings.whisper.device,
        compute_type=settings.whisper.compute_type,
        threads=settings.whisper.threads,
        workers=settings.whisper.workers,
    )
    network = SileroNetwork()
    recogniser = WhisperRecogniser(model, network, name=weights.name, workers=settings.whisper.workers, meter=meter)
    voice = SileroDetector(network)

    domino = find_domino(settings.domino.model)
    acoustic_model = DominoNetwork(domino.file, name=domino.name)
    threads = EngineThreads(settings.domino.workers, Backlog(), name="domino", engine="assessment", meter=meter)
    pronunciations = OpenJTalkPronunciations(reference_pitch)
    judging = Judging(
        PhonemeAssessor(acoustic_model, pronunciations, threads, assessment_parameters()),
        PhonemeFollower(acoustic_model, pronunciations, threads),
        VoicePitchFollower(threads),
        threads,
    )

    def close() -> None:
        voice.close()
        recogniser.close()
        threads.close()
        pronunciations.close()

    return Engines(recogniser, voice, judging, close)


def reference_pitch(samples: Samples) -> NDArray[np.float64]:
    """Hertz every 10 ms, 0 where there is none."""
    return np.nan_to_num(track(samples, SAMPLE_RATE).hertz)


async def speech(shared: Shared, engines: Engines) -> tuple[Service, PracticeSessions]:
    """SpeechService, and the practices under way in it."""
    settings, store = shared.settings, shared.store
    unit_of_work, clock, ids = shared.unit_of_work, shared.clock, shared.ids
    analyser = SpokenReadings(shared.analyser)
    recogniser, voice = engines.recogniser, engines.voice
    encoder = AudioFileEncoder()
    shared.stack.callback(encoder.close)
    files = ProcessFileDecoder()
    shared.stack.push_async_callback(files.close)
    await files.start()
    pcm = Linear16Decoder()
    limits = PracticeLimits(
        idle_timeout=settings.speech.idle_timeout.total_seconds(),
        streams_per_user=settings.speech.streams_a_user,
        audio_seconds_a_day=settings.speech.audio_seconds_a_day,
        resume_window=settings.speech.resume_window.total_seconds(),
    )
    conclusion = Conclusion(
        recogniser=recogniser,
        analyser=analyser,
        assessor=engines.judging.assessor,
        encoder=encoder,
        store=store,
        unit_of_work=unit_of_work,
        clock=clock,
        ids=ids,
        sleep=asyncio.sleep,
    )
    practices = PracticeSessions(
        PracticeTools(
            recogniser=recogniser,
            voice=voice,
            pcm=pcm,
            analyser=analyser,
            follower=engines.judging.follower,
            pitch=engines.judging.pitch,
            conclusion=conclusion,
            clock=clock,
            steady=time.monotonic,
            sleep=asyncio.sleep,
            check_caller=CheckSession(unit_of_work, clock),
        ),
        streams_per_user=limits.streams_per_user,
        streams=settings.speech.streams,
    )
    prepare = PracticePreparation(unit_of_work, analyser, clock, limits)
    opener = PracticeOpener(prepare, practices)
    get_attempt = GetAttempt(unit_of_work)
    use_cases = SpeechUseCases(
        practice=Practice(opener, limits.idle_timeout, asyncio.sleep),
        open_practice=OpenPractice(opener),
        push_practice_audio=PushPracticeAudio(practices),
        finish_practice=FinishPractice(practices),
        assess_recording=AssessRecording(
            prepare=prepare,
            files=files,
            voice=voice,
            recogniser=recogniser,
            analyser=analyser,
            conclusion=conclusion,
            sleep=asyncio.sleep,
        ),
        transcribe=Transcribe(
            files=files,
            pcm=pcm,
            voice=voice,
            recogniser=recogniser,
            analyser=analyser,
            unit_of_work=unit_of_work,
            clock=clock,
            limits=limits,
        ),
        check_microphone=CheckMicrophone(files, pcm, voice, engines.judging.threads),
        start_speaking_session=StartSpeakingSession(unit_of_work, clock, ids),
        end_speaking_session=EndSpeakingSession(unit_of_work, clock),
        list_speaking_sessions=ListSpeakingSessions(unit_of_work, clock),
        list_attempts=ListAttempts(unit_of_work),
        get_attempt=get_attempt,
        get_attempt_audio=GetAttemptAudio(get_attempt, store, encoder),
        delete_attempt=DeleteAttempt(unit_of_work, store, clock),
    )
    servicer = SpeechServicer(use_cases, shared.page_tokens)
    service = Service("kaiwa.speech.v1.SpeechService", speech_rpc.add_SpeechServiceServicer_to_server, servicer)
    return service, practices
