"""Sentences."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum
from typing import NewType

from server.content.domain.furigana import FuriganaSpan
from server.content.domain.reading import ReadingOrigin
from server.kernel.identity import UserId

SentenceId = NewType("SentenceId", str)
AudioId = NewType("AudioId", str)


class Visibility(StrEnum):
    """Who may see something."""

    SHARED = "shared"
    PRIVATE = "private"


class Source(StrEnum):
    """Where a sentence came from."""

    TATOEBA = "tatoeba"
    ANKI = "anki"
    CUSTOM = "custom"
    COMMUNITY = "community"


class JlptLevel(IntEnum):
    """A level of the JLPT, an unofficial estimate; N1 is the hardest."""

    N1 = 1
    N2 = 2
    N3 = 3
    N4 = 4
    N5 = 5


class AudioOrigin(StrEnum):
    """Whether a person or a voice engine speaks."""

    RECORDED = "recorded"
    SYNTHESIZED = "synthesized"


class AudioFormat(StrEnum):
    """The form of an audio file."""

    WAV = "wav"
    OGG_OPUS = "ogg_opus"
    FLAC = "flac"
    MP3 = "mp3"


@dataclass(frozen=True, slots=True)
class Translation:
    """A further English translation, with where it came from; what is unknown is empty."""

    text: str
    source_id: str = ""
    author: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Recording:
    """A person reading a sentence.

    Attributes:
        id: names it.
        format, sample_rate_hertz, size_bytes: of the stored file.
        duration: how long it plays.
        author, licence, attribution_url: whom to name, under which licence, and where to point.
        created_at: when it was uploaded.
    """

    id: AudioId
    format: AudioFormat
    sample_rate_hertz: int
    duration: timedelta
    size_bytes: int
    author: str
    licence: str
    attribution_url: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence. Texts that are unknown are empty.

    Attributes:
        owner_id: whose private space it is in; None: it is shared.
        reading, furigana, reading_origin: empty and None while analysis is awaited.
        recordings: preferred one first.
        synthesized: whether speech made by a voice engine is stored.
        difficulty: 1 to 10; None while analysis is awaited.
        difficulty_computed: whether it follows the text, or was set by hand.
        source_id: its id in the source; unique in its space among what is not deleted.
        word_count, character_count: of `japanese`.
        active: whether it is offered for new cards.
        deleted_at: when it was deleted; None: it was not.
        revision: counts changes, from 1.
    """

    id: SentenceId
    owner_id: UserId | None
    japanese: str
    english: str
    other_translations: tuple[Translation, ...]
    reading: str
    furigana: tuple[FuriganaSpan, ...]
    reading_origin: ReadingOrigin | None
    recordings: tuple[Recording, ...]
    synthesized: bool
    difficulty: int | None
    difficulty_computed: bool
    jlpt_level: JlptLevel | None
    source: Source
    source_id: str
    author: str
    licence: str
    english_source_id: str
    english_author: str
    english_licence: str
    tags: tuple[str, ...]
    word_count: int
    character_count: int
    active: bool
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | None = None
    revision: int = 1

    @property
    def visibility(self) -> Visibility:
        """Who may see it."""
        return Visibility.SHARED if self.owner_id is None else Visibility.PRIVATE

    @property
    def audio_origin(self) -> AudioOrigin | None:
        """The audio that there is, a recording first; None: none yet."""
        if self.recordings:
            return AudioOrigin.RECORDED
        return AudioOrigin.SYNTHESIZED if self.synthesized else None

    @property
    def etag(self) -> str:
        """Names this state of the sentence."""
        return f"r{self.revision}"
