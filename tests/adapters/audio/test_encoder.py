"""Files for storage and download hold what was heard."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator

import numpy as np
import pytest
import pytest_asyncio
import soundfile

from server.adapters.audio.encoder import AudioFileEncoder
from server.adapters.audio.pcm import Linear16Decoder
from server.errors import Reason, ResourceExhausted
from server.speech.ports import Samples
from tests.support.audio_files import sound_file, tone, wav


@pytest_asyncio.fixture
async def encoder() -> AsyncIterator[AudioFileEncoder]:
    encoder = AudioFileEncoder()
    yield encoder
    encoder.close()


def read(file: bytes, dtype: str) -> tuple[np.ndarray[tuple[int], np.dtype[np.float64]], int]:
    samples, rate = soundfile.read(io.BytesIO(file), dtype=dtype)
    return samples, rate


@pytest.mark.parametrize("kind", ["flac", "wav"])
async def test_a_stream_at_sixteen_kilohertz_is_kept_bit_for_bit(encoder: AudioFileEncoder, kind: str) -> None:
    integers = np.random.default_rng(3).integers(-32768, 32768, 8_000).astype("<i2")
    samples = Linear16Decoder().open(16_000).push(integers.tobytes())
    file = await (encoder.flac(samples) if kind == "flac" else encoder.wav(samples))
    info = soundfile.info(io.BytesIO(file))
    assert (info.format, info.subtype, info.samplerate, info.channels) == (kind.upper(), "PCM_16", 16_000, 1)
    assert np.array_equal(read(file, "int16")[0], integers)


async def test_opus_is_small_and_sounds_the_same(encoder: AudioFileEncoder) -> None:
    samples = tone(2.0, 16_000)[0]
    file = await encoder.ogg_opus(samples)
    info = soundfile.info(io.BytesIO(file))
    assert (info.format, info.subtype, info.channels) == ("OGG", "OPUS", 1)
    assert len(file) * 8 / 2.0 < 48_000
    heard, rate = read(file, "float32")
    assert (len(heard), rate) == (32_000, 16_000)
    assert np.corrcoef(heard, samples)[0, 1] > 0.95


@pytest.mark.parametrize("kind", ["flac", "wav"])
async def test_what_is_too_loud_is_clipped(encoder: AudioFileEncoder, kind: str) -> None:
    samples = np.array([0.0, 1.0, -1.0, 2.0, -2.0], np.float32)
    file = await (encoder.flac(samples) if kind == "flac" else encoder.wav(samples))
    assert read(file, "int16")[0].tolist() == [0, 32767, -32768, 32767, -32768]


@pytest.mark.parametrize("kind", ["flac", "wav", "ogg_opus"])
async def test_there_is_no_file_without_samples(encoder: AudioFileEncoder, kind: str) -> None:
    nothing: Samples = np.zeros(0, np.float32)
    with pytest.raises(ValueError, match="no samples"):
        await {"flac": encoder.flac, "wav": encoder.wav, "ogg_opus": encoder.ogg_opus}[kind](nothing)


async def test_a_long_recording_of_every_kind(encoder: AudioFileEncoder) -> None:
    samples = np.random.default_rng(5).normal(0, 0.1, 16_000 * 60).astype(np.float32)
    files = await asyncio.gather(encoder.flac(samples), encoder.wav(samples), encoder.ogg_opus(samples))
    assert [len(read(file, "int16")[0]) for file in files] == [16_000 * 60] * 3


async def test_too_many_files_at_a_time_are_refused_and_counted_until_they_are_done() -> None:
    encoder = AudioFileEncoder(threads=1, most_waiting=1)
    try:
        samples = tone(30.0, 16_000)[0]
        first = asyncio.create_task(encoder.ogg_opus(samples))
        second = asyncio.create_task(encoder.ogg_opus(samples))
        await asyncio.sleep(0)
        with pytest.raises(ResourceExhausted) as refused:
            await encoder.wav(samples)
        assert refused.value.reason is Reason.SPEECH_OVERLOADED
        assert refused.value.metadata == {"engine": "encoder"}
        assert refused.value.retry_after is not None
        # Whoever gives up waiting frees no thread.
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        with pytest.raises(ResourceExhausted):
            await encoder.wav(samples)
        assert await second
        assert await encoder.wav(samples)
    finally:
        encoder.close()


async def test_a_flac_file_reads_back(encoder: AudioFileEncoder) -> None:
    samples = tone(1.0, 16_000)[0]
    assert np.abs(await encoder.read_flac(await encoder.flac(samples)) - samples).max() <= 0.5 / 32768


async def test_only_recordings_of_ours_are_read(encoder: AudioFileEncoder) -> None:
    with pytest.raises(soundfile.LibsndfileError):
        await encoder.read_flac(b"fLaC and no more")
    for other in (sound_file(tone(1.0, 44_100), 44_100, "FLAC", "PCM_16"), wav(tone(1.0, 16_000, channels=2), 16_000)):
        with pytest.raises(ValueError, match="not one of our recordings"):
            await encoder.read_flac(other)
