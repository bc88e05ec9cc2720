"""CheckMicrophone: whether one can practise with a microphone, before learners blame themselves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np

from server.errors import InvalidInput, Reason
from server.kernel.identity import Caller
from server.speech.domain.microphone import MicrophoneReport, Problem, Verdict, check
from server.speech.ports import SAMPLE_RATE, Computation, FileDecoder, PcmDecoder, Samples, VoiceDetector
from server.speech.practice_config import Encoding, check_format
from server.speech.transcribe import too_large
from server.speech.transcription import find_voice

LONGEST_FILE = 1_048_576
"""Bytes."""
LONGEST_AUDIO = 10.0
"""Seconds."""
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip in which somebody says something.

    Attributes:
        data: a file, or samples without a container.
        encoding: how it is written.
        sample_rate_hertz: of samples without a container.
    """

    data: bytes
    encoding: Encoding = Encoding.FILE
    sample_rate_hertz: int = 0


class CheckMicrophone:
    """Decodes a clip and measures it. Nothing is stored."""

    def __init__(self, files: FileDecoder, pcm: PcmDecoder, voice: VoiceDetector, threads: Computation) -> None:
        self._files = files
        self._pcm = pcm
        self._voice = voice
        self._threads = threads

    async def __call__(self, caller: Caller, clip: Clip) -> MicrophoneReport:
        """Judges a microphone.

        Raises:
            ApplicationError: as the contract lists for CheckMicrophone.
        """
        check_format(clip.encoding, clip.sample_rate_hertz, "format")
        if len(clip.data) > LONGEST_FILE:
            raise too_large(len(clip.data), LONGEST_FILE)
        try:
            samples = await self._decode(clip)
        except InvalidInput as error:
            if error.reason is not Reason.AUDIO_TOO_SHORT:
                raise
            samples = np.zeros(0, np.float32)
        if not len(samples):
            return MicrophoneReport(Verdict.UNUSABLE, (Problem.TOO_SHORT,), 0.0)
        voice = await find_voice(self._voice, samples)
        return await self._threads.final(lambda: check(samples, voice, SAMPLE_RATE))

    async def _decode(self, clip: Clip) -> Samples:
        if clip.encoding is Encoding.FILE:
            return await self._files.decode(clip.data, longest_seconds=LONGEST_AUDIO)
        if len(clip.data) // 2 > LONGEST_AUDIO * clip.sample_rate_hertz:
            raise InvalidInput(
                "audio",
                f"is longer than {LONGEST_AUDIO:g} s",
                reason=Reason.AUDIO_TOO_LONG,
                metadata={"limit_seconds": f"{LONGEST_AUDIO:g}"},
            )
        stream = self._pcm.open(clip.sample_rate_hertz)
        pieces: list[Samples] = []
        for begin in range(0, len(clip.data), _PIECE):
            pieces.append(stream.push(clip.data[begin : begin + _PIECE]))
            # Others speak meanwhile.
            await asyncio.sleep(0)
        return np.concatenate([*pieces, stream.finish()])
