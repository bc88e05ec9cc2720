"""The engines that speech needs from outside, as Protocols with plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from server.speech.domain.assessment import Assessment
from server.speech.domain.events import PitchPoint
from server.speech.domain.hearing import Heard
from server.speech.domain.pronunciation import Pronunciation
from server.speech.domain.reference import ReadWord, Reference
from server.speech.domain.transitions import Transitions

T = TypeVar("T")

Samples = NDArray[np.float32]
"""Mono audio at 16 kHz, one dimension, -1 to 1."""

SAMPLE_RATE = 16_000


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a recogniser made of a stretch of audio.

    Attributes:
        text: what was said; empty when it was no speech.
        confidence: 0 to 1, the geometric mean of the tokens' probabilities; None without text.
        language: BCP 47 tag of the language heard; empty when there was no speech or it is unclear.
        languages: probability of each language that was considered; empty when it was not asked for.
    """

    text: str
    confidence: float | None
    language: str
    languages: Mapping[str, float]


class Recogniser(Protocol):
    """Turns speech into text."""

    @property
    def version(self) -> str:
        """Name of model and precision, such as `whisper-base-int8`."""
        ...

    def admit(self, speakers: int) -> None:
        """Lets another speaker in, beside this many who speak already.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when not everyone could be served well.
        """
        ...

    async def partial(self, samples: Callable[[], Samples]) -> Recognised:
        """A quick transcript of unfinished speech; cancelling it frees its place.

        Args:
            samples: gives them, at most 30 s, when its turn has come, so that it is about what was said last; called in
                another thread.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when there is too much to do.
        """
        ...

    async def final(
        self, samples: Samples, *, language: str | None = None, shown: str = "", live: bool = True, known: bool = False
    ) -> Recognised:
        """The best transcript of a stretch of speech; goes before every partial.

        Args:
            samples: at most 30 s.
            language: what is expected; what is clearly another language is transcribed in that one.
            shown: what was shown of it; of two transcripts as good as each other the one that begins so is taken.
            live: whether somebody has just said it; a file takes turns with partials.
            known: whether it is known what is to be said; else short English that sounds Japanese is looked at twice.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when there is too much to do.
        """
        ...


class VoiceStream(Protocol):
    """Voice activity of one stream of audio."""

    async def probabilities(self, samples: Samples) -> Sequence[float]:
        """The probability of voice in each frame of 512 samples that these samples complete, 0 to 1."""
        ...


class VoiceDetector(Protocol):
    """Tells voice from everything else."""

    def open(self) -> VoiceStream:
        """A new stream with its own state."""
        ...


class PcmStream(Protocol):
    """Converts one stream of LINEAR16 to samples; chunk boundaries make no difference."""

    def push(self, data: bytes) -> Samples:
        """Takes bytes cut anywhere and gives the samples that are ready."""
        ...

    def finish(self) -> Samples:
        """The samples that were held back; nothing may be pushed after it."""
        ...


class PcmDecoder(Protocol):
    """Opens streams of LINEAR16."""

    def open(self, sample_rate_hertz: int) -> PcmStream:
        """A new stream; `sample_rate_hertz` from 8000 to 48000."""
        ...


class FileDecoder(Protocol):
    """Decodes audio files in a separate, limited process."""

    async def decode(self, data: bytes, *, longest_seconds: float) -> Samples:
        """The audio of a file in any container that ffmpeg knows.

        Raises:
            InvalidInput: AUDIO_UNDECODABLE, AUDIO_CONTAINER_UNSUPPORTED, AUDIO_TOO_LONG, AUDIO_TOO_SHORT.
            DeadlineExceeded: DECODE_TIMEOUT.
            Unavailable: SPEECH_ENGINE_UNAVAILABLE.
        """
        ...


class AudioEncoder(Protocol):
    """Writes audio files."""

    async def flac(self, samples: Samples) -> bytes:
        """A FLAC file of 16-bit samples at 16 kHz."""
        ...

    async def wav(self, samples: Samples) -> bytes:
        """A WAV file of 16-bit samples at 16 kHz."""
        ...


class AudioTranscoder(AudioEncoder, Protocol):
    """Reads back what was stored, and writes it in every format that the contract names."""

    async def read_flac(self, data: bytes) -> Samples:
        """The samples of a file that `flac` made.

        Raises:
            ValueError: it is no such file.
        """
        ...

    async def ogg_opus(self, samples: Samples) -> bytes:
        """An Ogg file of Opus at 16 kHz, about 32 kbit/s."""
        ...


class Analyser(Protocol):
    """Reads Japanese text."""

    @property
    def version(self) -> str:
        """Name and version, such as `pyopenjtalk-plus 0.4.1`."""
        ...

    async def words(self, text: str) -> tuple[ReadWord, ...]:
        """The words of a text in order, with their places and how they are pronounced in it (the particle は as ワ).

        Words without a pronunciation (punctuation) have an empty reading; a text with nothing to read has no word
        with one.
        """
        ...


class Pronunciations(Protocol):
    """Knows how texts sound."""

    async def of(self, reference: Reference) -> Pronunciation:
        """The phones of a reference with their lengths and accents.

        Raises:
            Unavailable: ANALYZER_UNAVAILABLE when there is too much to do.
        """
        ...


class AcousticModel(Protocol):
    """Hears phones."""

    @property
    def version(self) -> str:
        """Name and a short hash of the weights."""
        ...

    def transitions(self, samples: Samples, speed: float = 1.0) -> Transitions:
        """Log probabilities of phone transitions, in the calling thread; about 10 ms a second of audio.

        Args:
            samples: of any length and loudness.
            speed: at which they are played to the network, pitch and all; frames are of what it hears.
        """
        ...


class Computation(Protocol):
    """Threads for judging, apart from those that recognise."""

    async def final(self, work: Callable[[], T]) -> T:
        """Runs work that a result depends on.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when there is too much to do.
        """
        ...

    async def passing(self, work: Callable[[], T]) -> T:
        """Runs work that is worth nothing later; it goes after all finals, and cancelling it frees its place.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when there is too much to do.
        """
        ...


class FollowedReading(Protocol):
    """One reading that is followed; one call at a time."""

    async def morae_read(self, part: Callable[[float, float], Samples], until: float) -> int:
        """How many morae of the text have been read, never fewer than before; cancelling it frees its place.

        Args:
            part: gives the audio between two times, in seconds.
            until: how much of it there is, seconds.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when there is too much to do.
            Unavailable: ANALYZER_UNAVAILABLE when there is too much to do.
        """
        ...


class Follower(Protocol):
    """Tells how far a text has been read, while it is being read."""

    def open(self, reference: Reference) -> FollowedReading:
        """Begins to follow one reading."""
        ...


class FollowedPitch(Protocol):
    """One voice whose pitch is followed; one call at a time."""

    async def advance(self, part: Callable[[float, float], Samples], until: float) -> tuple[PitchPoint, ...]:
        """The pitch since the last call; cancelling it frees its place.

        Args:
            part: gives the audio between two times, in seconds.
            until: how much of it there is, seconds.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when there is too much to do.
        """
        ...


class PitchFollower(Protocol):
    """Tells the pitch of a voice while it speaks."""

    def open(self) -> FollowedPitch:
        """Begins to follow one voice."""
        ...


class Assessor(Protocol):
    """Judges how something was said."""

    async def assess(
        self, references: Sequence[Reference], heard: Heard, samples: Samples, *, speech_model: str, analyzer: str
    ) -> Assessment:
        """Judges an utterance.

        Args:
            references: what was to be said; several are alternatives of which the one that fits best counts. Empty for
                free speech.
            heard: what was recognised.
            samples: the whole recording.
            speech_model, analyzer: versions, for the record.

        Raises:
            ResourceExhausted: SPEECH_OVERLOADED when there is too much to do.
            Unavailable: ANALYZER_UNAVAILABLE when there is too much to do.
        """
        ...
