"""Recordings from files, as a practice sends them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from kaiwa_client.clock import Clock
from kaiwa_client.errors import AudioError

CHUNK_MS = 100
LIVE_CHUNK_MS = 40
"""What is spoken goes out sooner in smaller pieces; microphones give 10 to 40 ms at a time."""
_LOWEST_RATE, _HIGHEST_RATE = 8_000, 48_000
_LONGEST_SECONDS = 600
_HOW_TO_CONVERT = "WAV, FLAC, OGG and MP3 are read here; convert others first, for example: ffmpeg -i {name} {stem}.wav"


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording in one channel of signed 16-bit little-endian samples."""

    pcm: bytes
    sample_rate_hertz: int

    @property
    def duration_ms(self) -> int:
        """How long it is, rounded."""
        return round(len(self.pcm) / 2 * 1000 / self.sample_rate_hertz)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file that should hold audio.

    Raises:
        AudioError: there is no such file, it can't be read, or it is empty.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise AudioError(f"There is no file {path}.") from None
    except IsADirectoryError:
        raise AudioError(f"{path} is a folder, not an audio file.") from None
    except OSError as error:
        raise AudioError(f"Can't read {path}: {error.strerror or error}.") from error
    if not data:
        raise AudioError(f"{path} is empty.")
    return data


def read_recording(path: Path) -> Recording:
    """Reads any file that libsndfile knows; channels are mixed to one.

    The sample rate is kept from 8 to 48 kHz; below it becomes 8 kHz, above it 48 kHz.

    Raises:
        AudioError: there is no such file, it is empty, holds no audio, or is too long for a practice.
    """
    read_bytes(path)
    try:
        with soundfile.SoundFile(path) as file:
            if file.frames > _LONGEST_SECONDS * file.samplerate:
                raise AudioError(
                    f"{path} plays for {file.frames / file.samplerate / 60:.0f} minutes; "
                    "a practice is one utterance of at most 5 minutes."
                )
            samples = file.read(dtype="float32", always_2d=True)
            rate = int(file.samplerate)
    except soundfile.LibsndfileError as error:
        how = _HOW_TO_CONVERT.format(name=path, stem=path.with_suffix(""))
        raise AudioError(f"Can't read {path} as audio ({str(error.error_string).rstrip('.')}). {how}") from error
    if len(samples) == 0:
        raise AudioError(f"{path} holds no sound.")
    mono = samples.mean(axis=1)
    wanted = min(max(rate, _LOWEST_RATE), _HIGHEST_RATE)
    if wanted != rate:
        mono = soxr.resample(mono, rate, wanted)
    pcm = np.clip(np.rint(np.nan_to_num(mono) * 32768.0), -32768, 32767).astype("<i2").tobytes()
    return Recording(pcm, wanted)


def chunks(recording: Recording, milliseconds: int = CHUNK_MS) -> Iterator[bytes]:
    """The recording in pieces of that length; the last may be shorter."""
    size = recording.sample_rate_hertz * milliseconds // 1000 * 2
    for offset in range(0, len(recording.pcm), size):
        yield recording.pcm[offset : offset + size]


async def in_real_time(recording: Recording, clock: Clock) -> AsyncIterator[bytes]:
    """The pieces as a microphone would give them: each when the last of its samples has been spoken.

    The pace is kept by the clock from the first piece on, so that delays do not add up.
    """
    start = clock.monotonic()
    spoken = 0
    for piece in chunks(recording, LIVE_CHUNK_MS):
        spoken += len(piece) // 2
        wait = start + spoken / recording.sample_rate_hertz - clock.monotonic()
        if wait > 0:
            await clock.sleep(wait)
        yield piece
