"""A text taken apart. Offsets and lengths count Unicode code points of the text as it was given."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from server.content.domain.difficulty import DifficultyEstimate
from server.content.domain.furigana import FuriganaSpan, Word
from server.content.domain.jlpt import JlptEstimate
from server.content.domain.part_of_speech import PartOfSpeech


class WordReadingOrigin(StrEnum):
    """Who says how a word is read."""

    ANALYZER = "analyzer"
    DICTIONARY = "dictionary"
    SHARED_ENTRY = "shared_entry"
    OWN_ENTRY = "own_entry"


@dataclass(frozen=True, slots=True)
class AnalysedWord:
    """A word of a text.

    Attributes:
        offset, length: where it stands.
        surface: the word as it stands in the text.
        lemma: as a dictionary lists it.
        reading: katakana as spelled (the particle は is ハ).
        pronunciation: katakana as said (the particle は is ワ).
        detail: its part of speech as the analyser names it.
        morae: of `pronunciation`, in katakana.
        accepted_accents: of the word said alone, most usual first: the mora after which the pitch falls, from 1; 0:
            none. Empty where no dictionary knows the word.
        origin: who says how it is read.
    """

    offset: int
    length: int
    surface: str
    lemma: str
    reading: str
    pronunciation: str
    part_of_speech: PartOfSpeech
    detail: str
    morae: tuple[str, ...]
    accepted_accents: tuple[int, ...] = ()
    origin: WordReadingOrigin = WordReadingOrigin.ANALYZER

    @property
    def word(self) -> Word:
        """The word as furigana and estimates need it."""
        return Word(self.offset, self.length, self.reading, self.lemma, self.part_of_speech)


@dataclass(frozen=True, slots=True)
class Mora:
    """A mora as it is said.

    Attributes:
        kana: katakana.
        consonant, vowel: as Open JTalk writes them; `N` for ン and `cl` for ッ.
        devoiced: whether its vowel is usually whispered here.
        word_index: of the word that it belongs to.
    """

    kana: str
    consonant: str
    vowel: str
    devoiced: bool
    word_index: int


@dataclass(frozen=True, slots=True)
class AccentPhrase:
    """Words said with one rise and at most one fall of pitch.

    Attributes:
        offset, length: where it stands.
        accepted_accents: at least one, most usual first.
        interrogative: whether it ends with the rise of a question.
        pause_after: whether a pause follows.
    """

    offset: int
    length: int
    morae: tuple[Mora, ...]
    accepted_accents: tuple[int, ...]
    interrogative: bool
    pause_after: bool


@dataclass(frozen=True, slots=True)
class Parts:
    """The words and accent phrases of a text, in order; punctuation is left out."""

    words: tuple[AnalysedWord, ...]
    phrases: tuple[AccentPhrase, ...]


@dataclass(frozen=True, slots=True)
class Said:
    """How a stretch of a text is said, by somebody who knows better than the analyser.

    Attributes:
        offset, length: the stretch; it begins and ends where words do.
        reading: katakana.
        spelled: whether `reading` is as it is spelled, not as it is said.
        accents: most usual first; empty: whatever the analyser finds for this reading.
        origin: who says so.
    """

    offset: int
    length: int
    reading: str
    spelled: bool
    accents: tuple[int, ...]
    origin: WordReadingOrigin


@dataclass(frozen=True, slots=True)
class TextAnalysis:
    """A text with everything that is read out of it.

    Attributes:
        reading: the whole text in kana as it is spelled.
        difficulty: None: the text has no Japanese word.
        jlpt: None: no word is in the lists.
        analyzer: name and version.
    """

    text: str
    reading: str
    furigana: tuple[FuriganaSpan, ...]
    words: tuple[AnalysedWord, ...]
    phrases: tuple[AccentPhrase, ...]
    difficulty: DifficultyEstimate | None
    jlpt: JlptEstimate | None
    analyzer: str

    @property
    def mora_count(self) -> int:
        """How many morae it has."""
        return sum(len(phrase.morae) for phrase in self.phrases)
