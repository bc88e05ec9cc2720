"""Files become 16-bit samples in one channel, sent in time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from kaiwa_client.recording import Recording, chunks, in_real_time, read_recording
from tests.clients.python.conftest import CommandLine, Recorder, SleepingClock
from tests.support.fake_kaiwa import FakeKaiwa
from tests.support.fake_practice import TEXT


@pytest.mark.parametrize("name", ["rain.wav", "rain.flac", "rain.ogg"])
async def test_practises_any_file_that_libsndfile_reads(
    learner: CommandLine, recorded: Recorder, fake: FakeKaiwa, name: str
) -> None:
    assert await learner("practice", str(recorded(name=name, channels=2)), "--text", TEXT, "--json") == 0
    assert sum(fake.speech.chunks) == pytest.approx(1.5 * 16000 * 2, abs=64)


def test_keeps_16_bit_samples_as_they_are(tmp_path: Path) -> None:
    samples = np.array([0, 1, -1, 32767, -32768, 12345], dtype=np.int16)
    soundfile.write(tmp_path / "exact.wav", samples, 8000)
    assert read_recording(tmp_path / "exact.wav") == Recording(samples.astype("<i2").tobytes(), 8000)


@pytest.mark.parametrize(("rate", "sent"), [(4000, 8000), (8000, 8000), (44100, 44100), (96000, 48000)])
def test_resamples_only_beyond_what_a_stream_takes(recorded: Recorder, rate: int, sent: int) -> None:
    recording = read_recording(recorded(rate=rate))
    assert recording.sample_rate_hertz == sent
    assert recording.duration_ms == pytest.approx(1500, abs=5)


def test_loud_floats_are_clipped_and_not_wrapped(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "loud.wav", np.array([2.0, -2.0, np.nan]), 16000, subtype="FLOAT")
    assert np.frombuffer(read_recording(tmp_path / "loud.wav").pcm, "<i2").tolist() == [32767, -32768, 0]


async def test_a_microphone_gives_each_piece_when_it_has_been_spoken(clock: SleepingClock) -> None:
    recording = Recording(bytes(2 * 4000), 16000)
    came = [(round(clock.monotonic() - 1000, 6), len(piece)) async for piece in in_real_time(recording, clock)]
    assert came == [*((round(0.04 * n, 6), 1280) for n in range(1, 7)), (0.25, 320)]


async def test_a_late_reader_does_not_delay_what_follows(clock: SleepingClock) -> None:
    recording = Recording(bytes(2 * 16000), 16000)
    came: list[float] = []
    async for _ in in_real_time(recording, clock):
        came.append(round(clock.elapsed, 6))
        if len(came) == 1:
            clock.elapsed += 0.45
    assert came == [0.04, *[0.49] * 11, *(round(0.04 * n, 6) for n in range(13, 26))]


async def test_realtime_takes_as_long_as_the_recording(
    learner: CommandLine, recorded: Recorder, clock: SleepingClock
) -> None:
    file = str(recorded())
    assert await learner("practice", file, "--text", TEXT, "--json") == 0
    assert clock.slept == []
    assert await learner("practice", file, "--text", TEXT, "--json", "--realtime") == 0
    assert sum(clock.slept) == pytest.approx(1.5)


def test_the_last_piece_may_be_short() -> None:
    assert [len(piece) for piece in chunks(Recording(bytes(3200 + 2), 16000))] == [3200, 2]
