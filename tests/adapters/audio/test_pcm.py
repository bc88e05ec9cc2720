"""Streams of LINEAR16 come out the same however they were cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.adapters.audio.pcm import Linear16Decoder
from server.speech.ports import Samples

RATES = (8_000, 11_025, 16_000, 22_050, 32_000, 44_100, 47_999, 48_000)


def convert(data: bytes, rate: int, cuts: list[int] | None = None) -> Samples:
    stream = Linear16Decoder().open(rate)
    edges = [0, *sorted(cuts or []), len(data)]
    pieces = [stream.push(data[start:end]) for start, end in pairwise(edges)]
    return np.concatenate([*pieces, stream.finish()])


def linear16(samples: np.ndarray[tuple[int], np.dtype[np.float64]]) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()


def noise(samples: int) -> bytes:
    return linear16(np.random.default_rng(7).uniform(-0.5, 0.5, samples))


def test_sixteen_kilohertz_passes_through_bit_for_bit() -> None:
    data = np.array([0, 1, -1, 32767, -32768], "<i2").tobytes()
    assert (convert(data, 16_000) * 32768).tolist() == [0, 1, -1, 32767, -32768]


@settings(max_examples=60, deadline=None)
@given(rate=st.sampled_from(RATES), cuts=st.lists(st.integers(0, 24_001), max_size=40))
def test_cuts_never_change_the_samples(rate: int, cuts: list[int]) -> None:
    data = noise(12_000) + b"\x7f"
    assert np.array_equal(convert(data, rate, cuts), convert(data, rate))


@pytest.mark.parametrize("rate", RATES)
def test_byte_by_byte_is_the_same_as_at_once(rate: int) -> None:
    data = noise(1_500)
    assert np.array_equal(convert(data, rate, list(range(len(data)))), convert(data, rate))


@pytest.mark.parametrize("rate", RATES)
def test_a_tone_keeps_its_length_pitch_and_level(rate: int) -> None:
    samples = convert(linear16(0.5 * np.sin(2 * np.pi * 1000 * np.arange(rate) / rate)), rate)
    assert samples.dtype == np.float32
    assert abs(len(samples) - 16_000) <= 1
    expected = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000)
    middle = slice(1_000, 15_000)
    assert np.abs(samples[middle] - expected[middle]).max() < 0.002


def test_what_is_above_eight_kilohertz_is_filtered_out() -> None:
    samples = convert(linear16(0.5 * np.sin(2 * np.pi * 10_000 * np.arange(48_000) / 48_000)), 48_000)
    assert np.abs(samples[1_000:-1_000]).max() < 0.001


def test_half_a_sample_at_the_end_is_dropped() -> None:
    assert len(convert(b"\0\0\0", 16_000)) == 1
    assert len(convert(b"\0", 16_000)) == 0


@pytest.mark.parametrize("rate", RATES)
def test_a_stream_without_audio_gives_none(rate: int) -> None:
    assert len(convert(b"", rate)) == 0


def test_nothing_is_taken_after_the_end() -> None:
    stream = Linear16Decoder().open(16_000)
    stream.finish()
    with pytest.raises(ValueError, match="finished"):
        stream.push(b"\0\0")
    with pytest.raises(ValueError, match="finished"):
        stream.finish()


@pytest.mark.parametrize("rate", [7_999, 48_001, 0, -16_000])
def test_other_rates_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match=str(rate)):
        Linear16Decoder().open(rate)


def test_two_streams_are_apart() -> None:
    decoder = Linear16Decoder()
    first, second = decoder.open(48_000), decoder.open(48_000)
    first.push(b"\x01")
    assert len(second.push(b"")) == 0
    second.push(noise(4_800))
    assert len(first.finish()) == 0
