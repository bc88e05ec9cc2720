"""Audio files of many kinds, made with libsndfile and ffmpeg."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import soundfile
from av.audio.stream import AudioStream
from av.container.output import OutputContainer
from numpy.typing import NDArray

Channels = NDArray[np.float32]
"""A row for each channel."""


def tone(seconds: float, rate: int, *, channels: int = 1, hertz: float = 440.0, level: float = 0.3) -> Channels:
    """A sine, the same on every channel."""
    time = np.arange(round(seconds * rate)) / rate
    wave = (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
    return np.repeat(wave[None], channels, axis=0)


def sound_file(samples: Channels, rate: int, container: str, codec: str) -> bytes:
    """A file by libsndfile; container and codec as it names them."""
    file = io.BytesIO()
    soundfile.write(file, samples.T, rate, format=container, subtype=codec)
    return file.getvalue()


def media_file(
    samples: Channels, rate: int, container: str, codec: str, *, tracks: int = 1, pictures: int = 0, muted: bool = False
) -> bytes:
    """A file by ffmpeg; container and codec as it names them.

    Args:
        samples: one channel or two.
        rate: of the samples.
        container: the muxer.
        codec: the encoder.
        tracks: of audio; those after the first are silent.
        pictures: how many the video track has, which comes first; 0 for no video.
        muted: leaves the audio out.
    """
    file = io.BytesIO()
    layout = "stereo" if len(samples) == 2 else "mono"
    with av.open(file, "w", format=container) as output:
        video = output.add_stream("mpeg4", rate=10) if pictures else None
        if video is not None:
            video.width = video.height = 64
            video.pix_fmt = "yuv420p"
        streams = [] if muted else [_track(output, codec, rate, layout) for _ in range(tracks)]
        for index in range(pictures):
            picture = av.VideoFrame.from_ndarray(np.full((64, 64, 3), index, np.uint8), format="rgb24")
            picture.pts = index
            picture.time_base = Fraction(1, 10)
            assert video is not None
            output.mux(video.encode(picture))
        if video is not None:
            output.mux(video.encode(None))
        for index, stream in enumerate(streams):
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples if index == 0 else samples * 0), format="fltp", layout=layout
            )
            frame.sample_rate = rate
            # The frame size is known only when the encoder is open.
            if not stream.codec_context.is_open:
                stream.codec_context.open()
            resampler = av.AudioResampler(
                format=stream.format, layout=layout, rate=rate, frame_size=stream.codec_context.frame_size or 1024
            )
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                output.mux(stream.encode(part))
            output.mux(stream.encode(None))
    return file.getvalue()


def _track(output: OutputContainer, codec: str, rate: int, layout: str) -> AudioStream:
    stream = output.add_stream(codec, rate=rate, layout=layout)
    assert isinstance(stream, AudioStream)
    stream.bit_rate = 96_000
    return stream


def wav(samples: Channels, rate: int, codec: str = "PCM_16") -> bytes:
    """A WAV file; codec as libsndfile names it."""
    return sound_file(samples, rate, "WAV", codec)
