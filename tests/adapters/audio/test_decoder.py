"""Files of every kind become samples, or are refused with the right reason."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.adapters.audio.decoder import ProcessFileDecoder
from server.errors import InvalidInput, Reason
from server.speech.ports import Samples
from tests.support.audio_files import Channels, media_file, sound_file, tone, wav

# One decoder for all: each file has a process of its own anyway.
pytestmark = pytest.mark.asyncio(loop_scope="module")

LIMIT = 300.0


async def outcome(decoder: ProcessFileDecoder, file: bytes, longest_seconds: float) -> Samples | InvalidInput:
    try:
        return await decoder.decode(file, longest_seconds=longest_seconds)
    except InvalidInput as refused:
        return refused


def stereo(rate: int, seconds: float = 1.0) -> Channels:
    return tone(seconds, rate, channels=2)


FILES: dict[str, Callable[[], bytes]] = {
    "wav 8 kHz": lambda: wav(tone(1.0, 8_000), 8_000),
    "wav 16 kHz": lambda: wav(tone(1.0, 16_000), 16_000),
    "wav 44.1 kHz stereo": lambda: wav(stereo(44_100), 44_100),
    "wav 96 kHz 24 bit stereo": lambda: wav(stereo(96_000), 96_000, "PCM_24"),
    "wav 8 bit": lambda: wav(tone(1.0, 11_025), 11_025, "PCM_U8"),
    "wav 32 bit": lambda: wav(stereo(48_000), 48_000, "PCM_32"),
    "wav float": lambda: wav(stereo(48_000), 48_000, "FLOAT"),
    "wav double": lambda: wav(stereo(48_000), 48_000, "DOUBLE"),
    "wav a-law": lambda: wav(tone(1.0, 8_000), 8_000, "ALAW"),
    "wav adpcm": lambda: wav(tone(1.0, 22_050), 22_050, "IMA_ADPCM"),
    "wav six channels": lambda: wav(tone(1.0, 48_000, channels=6), 48_000),
    "aiff": lambda: sound_file(stereo(44_100), 44_100, "AIFF", "PCM_24"),
    "au": lambda: sound_file(tone(1.0, 8_000), 8_000, "AU", "ULAW"),
    "caf alac": lambda: sound_file(stereo(44_100), 44_100, "CAF", "ALAC_16"),
    "w64": lambda: sound_file(stereo(44_100), 44_100, "W64", "PCM_16"),
    "nist sphere": lambda: sound_file(tone(1.0, 16_000), 16_000, "NIST", "PCM_16"),
    "flac": lambda: sound_file(stereo(44_100), 44_100, "FLAC", "PCM_16"),
    "flac 24 bit": lambda: sound_file(stereo(96_000), 96_000, "FLAC", "PCM_24"),
    "ogg vorbis": lambda: sound_file(stereo(44_100), 44_100, "OGG", "VORBIS"),
    "ogg opus": lambda: sound_file(stereo(48_000), 48_000, "OGG", "OPUS"),
    "mp3": lambda: sound_file(stereo(44_100), 44_100, "MP3", "MPEG_LAYER_III"),
    "m4a aac": lambda: media_file(stereo(44_100), 44_100, "ipod", "aac"),
    "m4a alac": lambda: media_file(stereo(44_100), 44_100, "ipod", "alac"),
    "adts aac": lambda: media_file(stereo(48_000), 48_000, "adts", "aac"),
    "webm opus": lambda: media_file(stereo(48_000), 48_000, "webm", "libopus"),
    "matroska aac": lambda: media_file(stereo(48_000), 48_000, "matroska", "aac"),
    "mpeg-ts": lambda: media_file(stereo(48_000), 48_000, "mpegts", "aac"),
    "wma": lambda: media_file(stereo(48_000), 48_000, "asf", "wmav2"),
    "film with a track": lambda: media_file(stereo(48_000), 48_000, "mp4", "aac", pictures=10),
    "first of two tracks": lambda: media_file(stereo(48_000), 48_000, "mp4", "aac", tracks=2),
}


@pytest.mark.parametrize("name", FILES)
async def test_every_common_kind_of_file(decoder: ProcessFileDecoder, name: str) -> None:
    samples = await decoder.decode(FILES[name](), longest_seconds=LIMIT)
    assert samples.dtype == np.float32
    assert samples.ndim == 1
    # Lossy codecs pad the ends with up to a few packets.
    assert abs(len(samples) - 16_000) < 1_500
    middle = samples[3_000:-3_000].astype(np.float64)
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert abs(spectrum.argmax() * 16_000 / len(middle) - 440) < 3
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


async def test_pcm_at_sixteen_kilohertz_is_kept_bit_for_bit(decoder: ProcessFileDecoder) -> None:
    exact = np.arange(-4_000, 4_000, dtype=np.float32)[None] / np.float32(32768)
    assert np.array_equal(await decoder.decode(wav(exact, 16_000), longest_seconds=LIMIT), exact[0])


async def test_channels_are_mixed(decoder: ProcessFileDecoder) -> None:
    one_side = np.concatenate([tone(1.0, 16_000), np.zeros((1, 16_000), np.float32)])
    samples = await decoder.decode(wav(one_side, 16_000), longest_seconds=LIMIT)
    assert np.abs(samples - one_side[0] / 2).max() < 0.0001


async def test_silence_is_audio(decoder: ProcessFileDecoder) -> None:
    samples = await decoder.decode(wav(np.zeros((2, 44_100), np.float32), 44_100), longest_seconds=LIMIT)
    assert len(samples) == 16_000
    assert not samples.any()


async def test_a_float_file_can_bring_in_nothing_that_is_no_sample(decoder: ProcessFileDecoder) -> None:
    wild = tone(1.0, 48_000)
    wild[0, 100:104] = [np.nan, np.inf, -np.inf, 1e38]
    samples = await decoder.decode(wav(wild, 48_000, "FLOAT"), longest_seconds=LIMIT)
    assert np.isfinite(samples).all()
    assert np.abs(samples).max() <= 1


async def test_tags_in_another_encoding_do_no_harm(decoder: ProcessFileDecoder) -> None:
    title = b"INAM" + struct.pack("<I", 4) + "日本".encode("shift-jis")
    file = wav(tone(1.0, 16_000), 16_000) + b"LIST" + struct.pack("<I", 4 + len(title)) + b"INFO" + title
    assert len(await decoder.decode(file, longest_seconds=LIMIT)) == 16_000


async def test_the_rate_may_change_in_the_middle(decoder: ProcessFileDecoder) -> None:
    files = [sound_file(tone(1.0, rate), rate, "MP3", "MPEG_LAYER_III") for rate in (44_100, 16_000, 22_050)]
    samples = await decoder.decode(b"".join(files), longest_seconds=LIMIT)
    assert abs(len(samples) - 48_000) < 4_500


async def test_the_links_of_a_chained_ogg_file_are_one_recording(decoder: ProcessFileDecoder) -> None:
    samples = await decoder.decode(FILES["ogg vorbis"]() * 3, longest_seconds=LIMIT)
    assert abs(len(samples) - 48_000) < 1_500


@pytest.mark.parametrize("name", ["ogg vorbis", "mp3", "flac"])
async def test_a_file_of_exactly_the_longest_duration_is_taken_and_cut_to_it(
    decoder: ProcessFileDecoder, name: str
) -> None:
    assert len(await decoder.decode(FILES[name](), longest_seconds=1.0)) <= 16_000


@pytest.mark.parametrize("name", ["wav 96 kHz 24 bit stereo", "mp3", "m4a aac", "webm opus"])
async def test_a_file_that_is_too_long(decoder: ProcessFileDecoder, name: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await decoder.decode(FILES[name](), longest_seconds=0.5)
    assert refused.value.reason is Reason.AUDIO_TOO_LONG
    assert refused.value.metadata == {"field": "audio", "limit_seconds": "0.5"}


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.099])
async def test_a_file_that_is_too_short(decoder: ProcessFileDecoder, seconds: float) -> None:
    with pytest.raises(InvalidInput) as refused:
        await decoder.decode(wav(tone(seconds, 48_000), 48_000), longest_seconds=LIMIT)
    assert refused.value.reason is Reason.AUDIO_TOO_SHORT
    assert refused.value.metadata == {"field": "audio", "minimum_milliseconds": "100"}


async def test_a_tenth_of_a_second_is_enough(decoder: ProcessFileDecoder) -> None:
    assert len(await decoder.decode(wav(tone(0.1, 48_000), 48_000), longest_seconds=LIMIT)) == 1_600


def with_sizes(file: bytes, size: int) -> bytes:
    """A WAV file whose header claims other sizes."""
    at = file.index(b"data") + 4
    return file[:4] + struct.pack("<I", size) + file[8:at] + struct.pack("<I", size) + file[at + 4 :]


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
async def test_a_header_that_claims_hours_counts_for_what_is_there(decoder: ProcessFileDecoder, size: int) -> None:
    file = with_sizes(wav(tone(1.0, 16_000), 16_000), size)
    assert len(await decoder.decode(file, longest_seconds=2.0)) == 16_000


@pytest.mark.parametrize("name", FILES)
async def test_a_file_that_was_cut_off_gives_what_is_left_or_is_refused(decoder: ProcessFileDecoder, name: str) -> None:
    file = FILES[name]()
    for share in (0.02, 0.6):
        came = await outcome(decoder, file[: int(len(file) * share)], LIMIT)
        if isinstance(came, InvalidInput):
            assert came.reason in (Reason.AUDIO_UNDECODABLE, Reason.AUDIO_TOO_SHORT)
        else:
            assert 1_600 <= len(came) <= 16_000 * 0.7 + 1_500


async def test_a_torn_end_is_no_reason_to_lose_a_recording(decoder: ProcessFileDecoder) -> None:
    for name in ("mp3", "webm opus", "adts aac", "wav 16 kHz"):
        file = FILES[name]()
        assert len(await decoder.decode(file[: int(len(file) * 0.8)], longest_seconds=LIMIT)) > 9_000


@pytest.mark.parametrize(
    "file",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\0" * 100_000, id="zeros"),
        pytest.param(np.random.default_rng(1).bytes(200_000), id="noise"),
        pytest.param(b"RIFF\xff\xff\xff\xffWAVE", id="only a header"),
        pytest.param(b"\x1aE\xdf\xa3" + b"\xff" * 500, id="broken Matroska"),
        pytest.param(b"fLaC" + b"\0" * 500, id="broken FLAC"),
    ],
)
async def test_what_can_not_be_decoded(decoder: ProcessFileDecoder, file: bytes) -> None:
    with pytest.raises(InvalidInput) as refused:
        await decoder.decode(file, longest_seconds=LIMIT)
    assert refused.value.reason is Reason.AUDIO_UNDECODABLE
    assert refused.value.metadata == {"field": "audio"}
    assert refused.value.message == "audio: The file can't be decoded."


async def test_a_film_without_sound(decoder: ProcessFileDecoder) -> None:
    file = media_file(tone(1.0, 48_000), 48_000, "mp4", "aac", pictures=10, muted=True)
    with pytest.raises(InvalidInput) as refused:
        await decoder.decode(file, longest_seconds=LIMIT)
    assert refused.value.reason is Reason.AUDIO_UNDECODABLE


async def test_a_codec_that_nobody_knows(decoder: ProcessFileDecoder) -> None:
    file = bytearray(wav(tone(1.0, 16_000), 16_000))
    file[20:22] = b"\x34\x12"
    with pytest.raises(InvalidInput) as refused:
        await decoder.decode(bytes(file), longest_seconds=LIMIT)
    assert refused.value.reason is Reason.AUDIO_CONTAINER_UNSUPPORTED


@pytest.mark.parametrize(
    ("file", "detected"),
    [
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "application/pdf"),
        (b"PK\x03\x04\x14\0\0\0", "application/zip"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"hello, this is no audio", "text/plain"),
        ("今日は雨だ。\n".encode() * 500, "text/plain"),
        (b"\xef\xbb\xbfa,b\r\n1,2\r\n", "text/plain"),
        (b"<!DOCTYPE html><html></html>", "text/html"),
        (b"#EXTM3U\nfile:///etc/passwd\n", "application/vnd.apple.mpegurl"),
        (b"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\n", "application/sdp"),
    ],
)
async def test_other_files_are_named(decoder: ProcessFileDecoder, file: bytes, detected: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await decoder.decode(file, longest_seconds=LIMIT)
    assert refused.value.reason is Reason.AUDIO_CONTAINER_UNSUPPORTED
    assert refused.value.metadata == {"field": "audio", "detected": detected}


STARTS = [b"", b"RIFF\x24\x10\0\0WAVEfmt ", b"OggS\0\x02", b"\0\0\0\x20ftypM4A ", b"ID3\x04\0", b"fLaC\0\0\0\x22"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=4_000))
async def test_any_bytes_at_all(decoder: ProcessFileDecoder, start: bytes, rest: bytes) -> None:
    came = await outcome(decoder, start + rest, 1.0)
    if isinstance(came, InvalidInput):
        assert came.metadata["field"] == "audio"
    else:
        assert 1_600 <= len(came) <= 16_000


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["mp3", "m4a aac", "webm opus", "ogg opus", "flac", "wav adpcm"]),
    damage=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=40),
)
async def test_damage_anywhere(decoder: ProcessFileDecoder, name: str, damage: list[tuple[float, int]]) -> None:
    file = bytearray(FILES[name]())
    for place, value in damage:
        file[int(place * len(file))] = value
    came = await outcome(decoder, bytes(file), 2.0)
    if isinstance(came, InvalidInput):
        assert came.metadata["field"] == "audio"
    else:
        assert np.isfinite(came).all()
        assert len(came) <= 32_000
