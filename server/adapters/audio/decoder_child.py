"""Decodes one audio file under limits; the program of the process that `decoder` starts, never imported by the server.

Usage: decoder_child.py PARENT_PID CPU_SECONDS MEMORY_BYTES

It writes one byte when it is ready, reads a job until the end of its input (`JOB`, then the file), and writes mono
float32 samples at 16 kHz in the machine's byte order. Its exit status says the rest: 0, or one of the codes below. It
never writes text.

The demuxers and codecs of ffmpeg are a large attack surface, so before this process looks at a file it gives up
what it doesn't need: it can open no file or socket (no descriptor is free), write to no file, start nothing, and use
no more memory or time than it was given. It runs isolated (`python -I`) and needs only PyAV, numpy and soxr.
"""

from __future__ import annotations

import ctypes
import io
import math
import os
import resource
import signal
import struct
import sys
import wave
from collections.abc import Iterator

import av
import numpy as np
import soxr
from av.container import InputContainer
from av.logging import set_level
from numpy.typing import NDArray

RATE = 16_000

JOB = struct.Struct("<dd")
"""The longest audio in seconds, and how many seconds of wall time the job may take."""

READY = b"R"
UNDECODABLE = 10
UNSUPPORTED = 11
TOO_LONG = 12
TOO_SHORT = 13

SHORTEST_SECONDS = 0.1
# What encoders add at the ends; a recording that is exactly as long as it may be must not fail for it.
PADDING_SECONDS = 0.1
LOWEST_RATE = 1_000
HIGHEST_RATE = 768_000
# Damaged packets that are passed over, as a share of all: enough for a torn end or a hiccup.
MOST_DAMAGED = 0.1
# Samples are converted in batches of about this many: one call for each packet would cost more than the decoding.
BATCH = 16_384

# Files that contain their audio themselves. No playlists, session descriptions and the like, which make ffmpeg open
# what they name; no images, subtitles or raw formats without a signature.
CONTAINERS = (
    "aa,aac,ac3,aiff,amr,ape,asf,ast,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,ircam,loas,matroska,webm,mlp,mov,mp3,"
    "mpc,mpc8,mpeg,mpegts,nistsphere,ogg,oma,qcp,rm,shn,sox,tak,truehd,tta,voc,w64,wav,wv,xwma"
)
CODECS = (
    "aac,aac_fixed,aac_latm,ac3,ac3_fixed,alac,als,amrnb,amrwb,ape,atrac1,atrac3,atrac3al,atrac3plus,cook,dca,dsd_lsbf,"
    "dsd_lsbf_planar,dsd_msbf,dsd_msbf_planar,eac3,flac,g722,g723_1,g726,g726le,g729,gsm,gsm_ms,ilbc,libopencore_amrnb,"
    "libopencore_amrwb,libopus,libspeex,libvorbis,mace3,mace6,metasound,mlp,mp1,mp1float,mp2,mp2float,mp3,mp3adu,"
    "mp3adufloat,mp3float,mp3on4,mp3on4float,mpc7,mpc8,nellymoser,opus,qcelp,qdm2,qdmc,ralf,real_144,real_288,shorten,"
    "sipr,speex,tak,truehd,truespeech,tta,vorbis,wavpack,wmalossless,wmapro,wmav1,wmav2,wmavoice"
)
PREFIXES = ("pcm_", "adpcm_")

Frames = NDArray[np.generic]
Mono = NDArray[np.float32]


class Refused(Exception):
    """The file can't be used.

    Args:
        status: the exit status that says why.
    """

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def decodable(codec: str) -> bool:
    """Whether a codec is one of those for audio that have proved themselves."""
    return codec in CODECS.split(",") or codec.startswith(PREFIXES)


def codec_whitelist() -> str:
    """The codecs that ffmpeg may open to find out what the streams are."""
    return ",".join(sorted(codec for codec in av.codec.codecs_available if decodable(codec)))


def mono(frame: Frames, channels: int) -> Mono:
    """The mean of the channels of one decoded frame, finite, -1 to 1.

    Args:
        frame: as PyAV gives it: a row for each channel, or one row with the channels side by side.
        channels: how many there are.
    """
    flat = frame.reshape(-1, channels).T if len(frame) != channels else frame
    if flat.dtype.kind == "f":
        samples = np.nan_to_num(flat.astype(np.float64), nan=0.0, posinf=1.0, neginf=-1.0).clip(-1.0, 1.0)
    elif flat.dtype.kind == "u":
        samples = flat.astype(np.float64) / 128.0 - 1.0
    else:
        samples = flat.astype(np.float64) / 2.0 ** (8 * flat.dtype.itemsize - 1)
    mixed: Mono = samples.mean(axis=0).astype(np.float32)
    return mixed


def opened(data: bytes, options: dict[str, str]) -> InputContainer:
    """Opens a file; tags in any other encoding than UTF-8 are no reason to refuse it."""
    if int(av.__version__.partition(".")[0]) < 19:
        return av.open(io.BytesIO(data), "r", options=options, metadata_errors="ignore")
    # From then on they never are.
    return av.open(io.BytesIO(data), "r", options=options)


def decoded(data: bytes, options: dict[str, str]) -> Iterator[tuple[int, Mono]]:
    """The frames of the first audio stream of a file, each with its sample rate.

    Raises:
        Refused: it has none, or too much of it is damaged.
        av.FFmpegError: it can't be read.
    """
    with opened(data, options) as container:
        if not container.streams.audio:
            raise Refused(UNDECODABLE)
        stream = container.streams.audio[0]
        # There is no context, whatever its type says, where ffmpeg has no decoder.
        codec = getattr(stream.codec_context, "codec", None)
        if codec is None or not decodable(codec.name):
            raise Refused(UNSUPPORTED)
        stream.codec_context.thread_count = 1
        packets = damaged = 0
        for packet in container.demux(stream):
            packets += 1
            try:
                frames = packet.decode()
            except av.InvalidDataError:
                damaged += 1
                continue
            for frame in frames:
                if not LOWEST_RATE <= frame.sample_rate <= HIGHEST_RATE:
                    raise Refused(UNDECODABLE)
                yield frame.sample_rate, mono(frame.to_ndarray(), frame.layout.nb_channels)
        if damaged > MOST_DAMAGED * packets:
            raise Refused(UNDECODABLE)


def batches(frames: Iterator[tuple[int, Mono]]) -> Iterator[tuple[int, Mono]]:
    """Joins frames of one rate; the rate changes between the links of a chained Ogg file."""
    rate = held = 0
    kept: list[Mono] = []
    for frame_rate, samples in frames:
        if kept and (frame_rate != rate or held >= BATCH):
            yield rate, np.concatenate(kept)
            kept, held = [], 0
        rate = frame_rate
        kept.append(samples)
        held += len(samples)
    if kept:
        yield rate, np.concatenate(kept)


def resampled(frames: Iterator[tuple[int, Mono]]) -> Iterator[Mono]:
    """Brings audio to 16 kHz."""
    current = RATE
    resampler = None
    for rate, samples in batches(frames):
        if rate != current:
            if resampler is not None:
                yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)
            resampler = None if rate == RATE else soxr.ResampleStream(rate, RATE, 1, dtype="float32", quality="HQ")
            current = rate
        yield samples if resampler is None else resampler.resample_chunk(samples)
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def convert(data: bytes, longest_seconds: float, options: dict[str, str]) -> Iterator[bytes]:
    """The samples of a file, in pieces, while they are no more than allowed.

    Raises:
        Refused: the file is too long or too short, or can't be used.
        av.FFmpegError: it can't be read.
    """
    longest = int(longest_seconds * RATE)
    count = 0
    for samples in resampled(decoded(data, options)):
        if count + len(samples) > longest + PADDING_SECONDS * RATE:
            raise Refused(TOO_LONG)
        yield samples[: max(0, longest - count)].clip(-1.0, 1.0).tobytes()
        count += len(samples)
    if count < SHORTEST_SECONDS * RATE:
        raise Refused(TOO_SHORT)


def restrict(parent: int, cpu_seconds: int, memory_bytes: int) -> None:
    """Gives up, for good, what decoding doesn't need."""
    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_AS, memory_bytes),
    ]
    for kind, value in limits:
        try:
            resource.setrlimit(kind, (value, value))
        except (ValueError, OSError):
            # macOS refuses some; there the parent's own limits on time and output still hold.
            if sys.platform == "linux":
                raise
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        set_parent_death_signal, set_no_new_privileges = 1, 38
        if prctl(set_parent_death_signal, signal.SIGKILL, 0, 0, 0) or prctl(set_no_new_privileges, 1, 0, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        # It died before it could be watched.
        sys.exit(1)


def warm_up(options: dict[str, str]) -> None:
    """Decodes a file of its own, so that everything is imported that PyAV and numpy import late."""
    own = io.BytesIO()
    with wave.open(own, "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(8_000))
    for _ in convert(own.getvalue(), 1.0, options):
        pass
    try:
        for _ in convert(b"no audio at all", 1.0, options):
            pass
    except av.FFmpegError:
        pass


def main() -> int:
    """Does one job."""
    parent, cpu_seconds, memory_bytes = (int(argument) for argument in sys.argv[1:])
    set_level(None)
    options = {
        "format_whitelist": CONTAINERS,
        "codec_whitelist": codec_whitelist(),
        "protocol_whitelist": "none",
    }
    warm_up(options)
    restrict(parent, cpu_seconds, memory_bytes)
    sys.stdout.buffer.write(READY)
    sys.stdout.buffer.flush()

    head = sys.stdin.buffer.read(JOB.size)
    if len(head) < JOB.size:
        return 0
    longest_seconds, wall_seconds = JOB.unpack(head)
    # Should the parent be too busy to keep the time, or be gone where the system does not tell.
    signal.alarm(math.ceil(wall_seconds) + 1)
    try:
        for piece in convert(sys.stdin.buffer.read(), longest_seconds, options):
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
    except Refused as refused:
        return refused.status
    except BrokenPipeError:
        return 0
    except Exception:
        # Whatever else goes wrong here, a file made it go wrong.
        return UNDECODABLE
    return 0


if __name__ == "__main__":
    # Everything is flushed; taking the modules down again would only take time.
    os._exit(main())
