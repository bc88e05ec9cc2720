"""Puts together what analysers, dictionaries and people say of a text."""

from __future__ import annotations

from collections.abc import Sequence

from server.content.domain.analysis import AnalysedWord, Parts, Said, TextAnalysis, WordReadingOrigin
from server.content.domain.difficulty import estimate_difficulty
from server.content.domain.furigana import lay, render, spans_of_words
from server.content.domain.jlpt import estimate_jlpt
from server.content.domain.kana import is_kanji, spoken, to_katakana
from server.content.domain.pronunciation import Pronunciation
from server.content.domain.reading import Reading, ReadingOrigin


def said_by_entries(text: str, words: Sequence[AnalysedWord], entries: Sequence[Pronunciation]) -> list[Said]:
    """Where a text has words of the dictionary: as whole words, the longest first, without overlaps, in order."""
    starts = {word.offset for word in words}
    ends = {word.offset + word.length for word in words}
    found: list[Said] = []
    for entry in sorted(entries, key=lambda each: (-len(each.word), each.word)):
        at = text.find(entry.word)
        while at >= 0:
            end = at + len(entry.word)
            free = all(end <= other.offset or other.offset + other.length <= at for other in found)
            if at in starts and end in ends and free:
                origin = WordReadingOrigin.SHARED_ENTRY if entry.owner_id is None else WordReadingOrigin.OWN_ENTRY
                found.append(Said(at, len(entry.word), entry.reading, False, entry.accents, origin))
            at = text.find(entry.word, at + 1)
    return sorted(found, key=lambda said: said.offset)


def known_reading(text: str, reading: str, words: Sequence[AnalysedWord]) -> Reading | None:
    """A reading that is known to be right, laid along the text; None where it can't be."""
    if not spoken(reading) or any(map(is_kanji, reading)):
        return None
    hints = spans_of_words(text, [word.word for word in words])
    laid = lay(text, reading, hints=hints)
    return None if laid is None else Reading(render(text, laid), laid, ReadingOrigin.HUMAN)


def said_by_reading(text: str, known: Reading, words: Sequence[AnalysedWord], given: Sequence[Said]) -> list[Said]:
    """What the analyser has to read otherwise for a known reading to come out; entries stay where they agree."""
    corrections: list[Said] = []
    for word in words:
        end = word.offset + word.length
        spans = [span for span in known.furigana if span.offset < end and word.offset < span.end]
        if any(span.offset < word.offset or span.end > end for span in spans):
            # One span over several words: which of them has which part can't be told.
            continue
        parts: list[str] = []
        at = word.offset
        for span in spans:
            parts += (text[at : span.offset], span.reading)
            at = span.end
        wanted = to_katakana(spoken("".join((*parts, text[at:end]))))
        if not wanted or wanted == to_katakana(spoken(word.reading)):
            continue
        if any(one.offset < end and word.offset < one.offset + one.length for one in given):
            continue
        corrections.append(Said(word.offset, word.length, wanted, True, (), WordReadingOrigin.ANALYZER))
    return sorted((*given, *corrections), key=lambda said: said.offset)


def compose(text: str, parts: Parts, known: Reading | None, analyzer: str) -> TextAnalysis:
    """Everything that is read out of a text.

    Args:
        parts: its words and phrases, with everything that was known better put right.
        known: a person's reading of all of it.
    """
    words = [word.word for word in parts.words]
    if known is None:
        spans = spans_of_words(text, words)
        known = Reading(render(text, spans), spans, ReadingOrigin.ANALYZER)
    return TextAnalysis(
        text=text,
        reading=known.text,
        furigana=known.furigana,
        words=parts.words,
        phrases=parts.phrases,
        difficulty=estimate_difficulty(text, words),
        jlpt=estimate_jlpt(words),
        analyzer=analyzer,
    )
