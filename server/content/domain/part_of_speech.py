"""Parts of speech."""

from __future__ import annotations

from enum import StrEnum


class PartOfSpeech(StrEnum):
    """A part of speech of Japanese."""

    NOUN = "noun"
    PROPER_NOUN = "proper_noun"
    PRONOUN = "pronoun"
    NUMERAL = "numeral"
    COUNTER = "counter"
    VERB = "verb"
    AUXILIARY = "auxiliary"
    I_ADJECTIVE = "i_adjective"
    NA_ADJECTIVE = "na_adjective"
    ADVERB = "adverb"
    ADNOMINAL = "adnominal"
    PARTICLE = "particle"
    CONJUNCTION = "conjunction"
    INTERJECTION = "interjection"
    PREFIX = "prefix"
    SUFFIX = "suffix"
    FILLER = "filler"
    SYMBOL = "symbol"
    OTHER = "other"

    @property
    def has_content(self) -> bool:
        """Whether words of it are learned as words: names, numbers and what grammar is made of are not."""
        return self in _CONTENT


_CONTENT = frozenset(
    {
        PartOfSpeech.NOUN,
        PartOfSpeech.PRONOUN,
        PartOfSpeech.VERB,
        PartOfSpeech.I_ADJECTIVE,
        PartOfSpeech.NA_ADJECTIVE,
        PartOfSpeech.ADVERB,
        PartOfSpeech.ADNOMINAL,
        PartOfSpeech.CONJUNCTION,
        PartOfSpeech.INTERJECTION,
        PartOfSpeech.OTHER,
    }
)
