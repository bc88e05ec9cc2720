"""GetAttemptAudio: the recording of an attempt, or a stretch of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from server.errors import InvalidInput, NotFound, Reason
from server.kernel.identity import Caller
from server.speech.conclusion import FLAC
from server.speech.domain.assessment import AudioSpan
from server.speech.get_attempt import GetAttempt
from server.speech.ports import SAMPLE_RATE, AudioTranscoder, Samples
from server.speech.storage import AudioStore


class FileFormat(StrEnum):
    """The files that are made, by their media types."""

    WAV = "audio/wav"
    OGG_OPUS = "audio/ogg; codecs=opus"
    FLAC = "audio/flac"
    LINEAR16 = "audio/L16"


@dataclass(frozen=True, slots=True)
class AudioFile:
    """A file of audio.

    Attributes:
        format: how it is written.
        sample_rate_hertz: samples a second.
        data: the file.
    """

    format: FileFormat
    sample_rate_hertz: int
    data: bytes


class GetAttemptAudio:
    """Finds a recording, cuts it, and writes it as asked."""

    def __init__(self, get_attempt: GetAttempt, store: AudioStore, transcoder: AudioTranscoder) -> None:
        self._get_attempt = get_attempt
        self._store = store
        self._transcoder = transcoder

    async def __call__(
        self, caller: Caller, attempt_id: str, wanted: FileFormat, span: AudioSpan | None = None
    ) -> AudioFile:
        """The recording in the format that is wanted.

        Args:
            span: only this stretch, cut where it ends after the recording; None: the whole.

        Raises:
            NotFound: ATTEMPT_NOT_FOUND, ATTEMPT_AUDIO_NOT_KEPT.
            InvalidInput: SPAN_OUT_OF_RANGE.
            Unavailable: STORAGE_UNAVAILABLE.
        """
        audio = (await self._get_attempt(caller, attempt_id)).audio
        data = None if audio is None else await self._store.get(audio.key)
        if audio is None or data is None:
            raise NotFound(
                Reason.ATTEMPT_AUDIO_NOT_KEPT,
                "The recording of this attempt was not kept or has been removed.",
                metadata={"attempt_id": attempt_id},
            )
        if span is None and wanted is FileFormat.FLAC and audio.content_type == FLAC:
            return AudioFile(wanted, audio.sample_rate_hertz, data)
        samples = await self._transcoder.read_flac(data)
        if span is not None:
            samples = _cut(samples, span, attempt_id)
        return AudioFile(wanted, SAMPLE_RATE, await self._write(samples, wanted))

    async def _write(self, samples: Samples, wanted: FileFormat) -> bytes:
        match wanted:
            case FileFormat.WAV:
                return await self._transcoder.wav(samples)
            case FileFormat.OGG_OPUS:
                return await self._transcoder.ogg_opus(samples)
            case FileFormat.FLAC:
                return await self._transcoder.flac(samples)
            case FileFormat.LINEAR16:
                return (np.clip(samples, -1, 32767 / 32768) * 32768).round().astype("<i2").tobytes()


def _cut(samples: Samples, span: AudioSpan, attempt_id: str) -> Samples:
    cut = samples[round(span.start * SAMPLE_RATE) : round(span.end * SAMPLE_RATE)]
    if len(cut) == 0:
        raise InvalidInput(
            "span",
            f"is empty or begins after the end of the recording at {len(samples) / SAMPLE_RATE:.3f} s",
            reason=Reason.SPAN_OUT_OF_RANGE,
            metadata={"attempt_id": attempt_id},
        )
    return cut
