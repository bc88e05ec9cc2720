"""Audio files for storage and download."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import numpy as np
import soundfile

from server.errors import Reason, ResourceExhausted
from server.speech.ports import SAMPLE_RATE, Samples

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FileKind:
    """A kind of file as libsndfile names it.

    Attributes:
        container: such as `OGG`.
        codec: such as `OPUS`.
        compression: 0 (least) to 1; None for the codec's own.
    """

    container: str
    codec: str
    compression: float | None = None


FLAC = FileKind("FLAC", "PCM_16")
WAV = FileKind("WAV", "PCM_16")
# libsndfile spreads 256 to 6 kbit/s over 0 to 1: this is 32 kbit/s.
OGG_OPUS = FileKind("OGG", "OPUS", 0.896)


class AudioFileEncoder:
    """An `AudioEncoder` with threads of its own. Five minutes take 10 ms as WAV, 60 ms as FLAC, 3.5 s as Opus.

    Args:
        threads: files written at the same time.
        most_waiting: files that wait for a thread; more are refused.
    """

    def __init__(self, *, threads: int = 2, most_waiting: int = 64) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="audio-encode")
        self._most = threads + most_waiting
        self._under_way = 0

    async def flac(self, samples: Samples) -> bytes:
        """A FLAC file of 16-bit mono samples at 16 kHz; what is beyond -1 to 1 is clipped.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when too many files wait.
        """
        return await self._run(lambda: encode(samples, FLAC))

    async def wav(self, samples: Samples) -> bytes:
        """A WAV file of 16-bit mono samples at 16 kHz; what is beyond -1 to 1 is clipped.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when too many files wait.
        """
        return await self._run(lambda: encode(samples, WAV))

    async def ogg_opus(self, samples: Samples) -> bytes:
        """Opus in Ogg at about 32 kbit/s, mono; what is beyond -1 to 1 is clipped.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when too many files wait.
        """
        return await self._run(lambda: encode(samples, OGG_OPUS))

    async def read_flac(self, data: bytes) -> Samples:
        """The samples of a file that `flac` wrote.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when too many files wait.
            soundfile.LibsndfileError, ValueError: it is none.
        """
        return await self._run(lambda: _read(data))

    def close(self) -> None:
        """Ends the threads; files that wait are given up."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        if self._under_way >= self._most:
            raise ResourceExhausted(
                Reason.SPEECH_OVERLOADED,
                "Too many audio files wait to be written.",
                metadata={"engine": "encoder"},
                retry_after=timedelta(seconds=2),
            )
        # Counted until the thread is done, not until the caller stops waiting: a thread can't be cancelled.
        self._under_way += 1
        encoding = asyncio.get_running_loop().run_in_executor(self._executor, work)
        encoding.add_done_callback(self._done)
        return await asyncio.shield(encoding)

    def _done(self, encoding: asyncio.Future[T]) -> None:
        self._under_way -= 1
        if not encoding.cancelled():
            # Seen, though nobody may be waiting for it any more.
            encoding.exception()


def encode(samples: Samples, kind: FileKind) -> bytes:
    """Encodes in this thread.

    Args:
        samples: mono at 16 kHz, -1 to 1; at least one.
        kind: of file.

    Raises:
        ValueError: there are no samples, of which libsndfile makes files that it can't read itself.
    """
    if not len(samples):
        raise ValueError("no samples")
    # The inverse of how streams are read (a sample is its integer divided by 32768), so that 16 kHz input is kept bit
    # for bit.
    integers = np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(
        file, integers, SAMPLE_RATE, format=kind.container, subtype=kind.codec, compression_level=kind.compression
    )
    return file.getvalue()


def _read(data: bytes) -> Samples:
    samples, rate = soundfile.read(io.BytesIO(data), dtype="float32")
    if rate != SAMPLE_RATE or samples.ndim != 1:
        raise ValueError("not one of our recordings")
    return np.asarray(samples, np.float32)
