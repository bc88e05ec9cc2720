"""Transcribe: what is said in an audio file, without grading or storing anything."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np

from server.errors import InvalidInput, Reason
from server.kernel.clock import Clock
from server.kernel.identity import Caller
from server.speech.daily_audio import audio_left
from server.speech.domain.events import Transcript
from server.speech.domain.segmenting import cut_speech
from server.speech.ports import SAMPLE_RATE, Analyser, FileDecoder, PcmDecoder, Recogniser, Samples, VoiceDetector
from server.speech.practice_config import Encoding, PracticeLimits, check_format
from server.speech.storage import UnitOfWorkFactory
from server.speech.transcription import find_voice, transcribe_recording

LONGEST_FILE = 3_670_016
"""Bytes."""
LONGEST_AUDIO = 300.0
"""Seconds."""
SHORTEST_AUDIO = 0.1
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Recording:
    """Audio to be transcribed.

    Attributes:
        data: a file, or samples without a container.
        encoding: how it is written.
        sample_rate_hertz: of samples without a container.
        language: what is expected, as an ISO 639 code; None: whatever is heard.
    """

    data: bytes
    encoding: Encoding = Encoding.FILE
    sample_rate_hertz: int = 0
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Transcribed:
    """What was said.

    Attributes:
        transcript: empty where nobody spoke.
        seconds: how long the audio is.
        speech_model: what recognised it.
    """

    transcript: Transcript
    seconds: float
    speech_model: str


class Transcribe:
    """Decodes audio, finds the speech in it, and recognises it."""

    def __init__(
        self,
        *,
        files: FileDecoder,
        pcm: PcmDecoder,
        voice: VoiceDetector,
        recogniser: Recogniser,
        analyser: Analyser,
        unit_of_work: UnitOfWorkFactory,
        clock: Clock,
        limits: PracticeLimits,
    ) -> None:
        self._files = files
        self._pcm = pcm
        self._voice = voice
        self._recogniser = recogniser
        self._analyser = analyser
        self._unit_of_work = unit_of_work
        self._clock = clock
        self._limits = limits

    async def __call__(self, caller: Caller, recording: Recording) -> Transcribed:
        """Transcribes a recording.

        Raises:
            ApplicationError: as the contract lists for Transcribe.
        """
        check_format(recording.encoding, recording.sample_rate_hertz, "format")
        if len(recording.data) > LONGEST_FILE:
            raise too_large(len(recording.data), LONGEST_FILE)
        async with self._unit_of_work() as uow:
            await audio_left(uow, caller.user_id, self._clock.now(), self._limits.audio_seconds_a_day)
        samples = await self._decode(recording)
        seconds = len(samples) / SAMPLE_RATE
        transcript = await transcribe_recording(
            self._recogniser,
            self._analyser,
            samples,
            cut_speech(await find_voice(self._voice, samples), seconds),
            language=recording.language,
        )
        return Transcribed(transcript, seconds, self._recogniser.version)

    async def _decode(self, recording: Recording) -> Samples:
        if recording.encoding is Encoding.FILE:
            return await self._files.decode(recording.data, longest_seconds=LONGEST_AUDIO)
        seconds = len(recording.data) // 2 / recording.sample_rate_hertz
        # The limit on bytes keeps it under the limit on seconds, even at the lowest rate.
        if seconds < SHORTEST_AUDIO:
            raise InvalidInput(
                "audio",
                f"has {seconds:.3f} s of audio; {SHORTEST_AUDIO:g} s are needed",
                reason=Reason.AUDIO_TOO_SHORT,
                metadata={"minimum_milliseconds": f"{SHORTEST_AUDIO * 1000:.0f}"},
            )
        stream = self._pcm.open(recording.sample_rate_hertz)
        pieces: list[Samples] = []
        for begin in range(0, len(recording.data), _PIECE):
            pieces.append(stream.push(recording.data[begin : begin + _PIECE]))
            # Others speak meanwhile.
            await asyncio.sleep(0)
        return np.concatenate([*pieces, stream.finish()])


def too_large(size: int, limit: int) -> InvalidInput:
    """What a file gets that has too many bytes."""
    return InvalidInput(
        "audio",
        f"has {size} bytes; {limit} are allowed",
        reason=Reason.AUDIO_TOO_LARGE,
        metadata={"limit_bytes": str(limit)},
    )
