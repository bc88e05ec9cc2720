"""Streams of LINEAR16 at any rate to mono samples at 16 kHz."""

from __future__ import annotations

import numpy as np
import soxr

from server.speech.ports import SAMPLE_RATE, Samples

LOWEST_RATE = 8_000
HIGHEST_RATE = 48_000


class Linear16Stream:
    """One stream of little-endian 16-bit mono samples.

    The result depends on the bytes alone, not on how they were cut into chunks. At other rates than 16 kHz the
    resampler (soxr, high quality) holds back the last few milliseconds until `finish`.

    Args:
        sample_rate_hertz: of the stream, 8000 to 48000.
    """

    def __init__(self, sample_rate_hertz: int) -> None:
        self._odd = b""
        self._finished = False
        self._resampler = (
            None
            if sample_rate_hertz == SAMPLE_RATE
            else soxr.ResampleStream(sample_rate_hertz, SAMPLE_RATE, 1, dtype="float32", quality="HQ")
        )

    def push(self, data: bytes) -> Samples:
        """Takes bytes cut anywhere, inside a sample too, and gives the samples that are ready (possibly none).

        Raises:
            ValueError: the stream was finished.
        """
        return self._convert(data, last=False)

    def finish(self) -> Samples:
        """The samples that were held back. Half a sample at the end is dropped.

        Raises:
            ValueError: the stream was finished before.
        """
        rest = self._convert(b"", last=True)
        self._finished = True
        return rest

    def _convert(self, data: bytes, *, last: bool) -> Samples:
        if self._finished:
            raise ValueError("the stream was finished")
        data = self._odd + data
        whole = len(data) - len(data) % 2
        self._odd = data[whole:]
        samples = np.frombuffer(data, "<i2", whole // 2).astype(np.float32) / np.float32(32768)
        if self._resampler is None:
            return samples
        converted: Samples = self._resampler.resample_chunk(samples, last=last)
        return converted


class Linear16Decoder:
    """Opens streams of LINEAR16."""

    def open(self, sample_rate_hertz: int) -> Linear16Stream:
        """A new stream.

        Raises:
            ValueError: the rate is outside 8000 to 48000.
        """
        if not LOWEST_RATE <= sample_rate_hertz <= HIGHEST_RATE:
            raise ValueError(f"{sample_rate_hertz} Hz is outside {LOWEST_RATE} to {HIGHEST_RATE}")
        return Linear16Stream(sample_rate_hertz)
