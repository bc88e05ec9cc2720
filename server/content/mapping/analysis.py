"""Analyses and pronunciations: protobuf to domain and back."""

from __future__ import annotations

from kaiwa.content.v1 import analysis_pb2, content_service_pb2, pronunciation_pb2, sentence_pb2
from server.content.domain.analysis import AccentPhrase, AnalysedWord, TextAnalysis, WordReadingOrigin
from server.content.domain.difficulty import DifficultyEstimate, FeatureKind
from server.content.domain.jlpt import JlptEstimate
from server.content.domain.part_of_speech import PartOfSpeech
from server.content.domain.pronunciation import (
    Pronunciation,
    PronunciationDraft,
    PronunciationFilter,
    PronunciationId,
)
from server.content.domain.spaces import visible_to
from server.content.domain.text import check_text
from server.content.mapping import JLPT_TO, SCOPE_FROM, VISIBILITY_FROM, VISIBILITY_TO
from server.kernel.identity import Caller
from server.rpc.wire import timestamp

_KIND_TO = {
    kind: analysis_pb2.DifficultyFeatureKind.Value(f"DIFFICULTY_FEATURE_KIND_{kind.name}") for kind in FeatureKind
}
_ORIGIN_TO = {
    origin: analysis_pb2.WordReadingOrigin.Value(f"WORD_READING_ORIGIN_{origin.name}") for origin in WordReadingOrigin
}
_PART_TO = {part: analysis_pb2.PartOfSpeech.Value(f"PART_OF_SPEECH_{part.name}") for part in PartOfSpeech}


def analysis_message(analysis: TextAnalysis) -> analysis_pb2.TextAnalysis:
    """An analysis as the wire has it."""
    return analysis_pb2.TextAnalysis(
        text=analysis.text,
        reading=analysis.reading,
        furigana=(
            sentence_pb2.FuriganaSpan(offset=span.offset, length=span.length, reading=span.reading)
            for span in analysis.furigana
        ),
        words=map(word_message, analysis.words),
        accent_phrases=map(_phrase, analysis.phrases),
        mora_count=analysis.mora_count,
        difficulty=None if analysis.difficulty is None else _difficulty(analysis.difficulty),
        jlpt_estimate=None if analysis.jlpt is None else _jlpt(analysis.jlpt),
        analyzer=analysis.analyzer,
    )


def word_message(word: AnalysedWord) -> analysis_pb2.AnalyzedWord:
    """A word of an analysis as the wire has it."""
    return analysis_pb2.AnalyzedWord(
        offset=word.offset,
        length=word.length,
        surface=word.surface,
        lemma=word.lemma,
        reading=word.reading,
        pronunciation=word.pronunciation,
        part_of_speech=_PART_TO[word.part_of_speech],
        part_of_speech_detail=word.detail,
        morae=word.morae,
        accepted_accents=word.accepted_accents,
        reading_origin=_ORIGIN_TO[word.origin],
    )


def pronunciation_message(entry: Pronunciation) -> pronunciation_pb2.Pronunciation:
    """An entry of the pronunciation dictionary as the wire has it."""
    return pronunciation_pb2.Pronunciation(
        id=entry.id,
        word=entry.word,
        reading=entry.reading,
        accepted_accents=entry.accents,
        visibility=VISIBILITY_TO[entry.visibility],
        owner_id=entry.owner_id or "",
        note=entry.note,
        create_time=timestamp(entry.created_at),
        update_time=timestamp(entry.updated_at),
        etag=entry.etag,
    )


def pronunciation_id(text: str) -> PronunciationId:
    """An entry's id from a request; UUIDs are kept in lower case."""
    return PronunciationId(text.lower())


def pronunciation_draft(request: content_service_pb2.SetPronunciationRequest) -> PronunciationDraft:
    """The entry that a request sets."""
    return PronunciationDraft(
        word=request.word,
        reading=request.reading,
        accents=tuple(request.accepted_accents),
        visibility=VISIBILITY_FROM[request.visibility],
        note=request.note,
    )


def pronunciation_filter(request: content_service_pb2.ListPronunciationsRequest, caller: Caller) -> PronunciationFilter:
    """The entries that a request asks for, of those that the caller may see.

    Raises:
        InvalidInput: INVALID_FIELD for control characters.
    """
    return PronunciationFilter(
        spaces=visible_to(caller, SCOPE_FROM[request.scope]),
        prefix=check_text(request.prefix, "prefix"),
        words=tuple(check_text(word, f"words[{index}]") for index, word in enumerate(request.words)),
    )


def _phrase(phrase: AccentPhrase) -> analysis_pb2.AccentPhrase:
    return analysis_pb2.AccentPhrase(
        offset=phrase.offset,
        length=phrase.length,
        morae=(
            analysis_pb2.Mora(
                kana=mora.kana,
                consonant=mora.consonant,
                vowel=mora.vowel,
                devoiced=mora.devoiced,
                word_index=mora.word_index,
            )
            for mora in phrase.morae
        ),
        accepted_accents=phrase.accepted_accents,
        interrogative=phrase.interrogative,
        pause_after=phrase.pause_after,
    )


def _difficulty(estimate: DifficultyEstimate) -> analysis_pb2.DifficultyEstimate:
    return analysis_pb2.DifficultyEstimate(
        level=estimate.level,
        score=estimate.score,
        features=(
            analysis_pb2.DifficultyFeature(
                kind=_KIND_TO[feature.kind],
                value=feature.value,
                points=feature.points,
                evidence=feature.evidence,
            )
            for feature in estimate.features
        ),
    )


def _jlpt(estimate: JlptEstimate) -> analysis_pb2.JlptEstimate:
    return analysis_pb2.JlptEstimate(
        unofficial_level=JLPT_TO[estimate.level],
        deciding_words=estimate.deciding_words,
        unlisted_word_count=estimate.unlisted_word_count,
    )
