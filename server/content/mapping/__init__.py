"""Protobuf to domain and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from google.protobuf.timestamp_pb2 import Timestamp

from kaiwa.content.v1 import audio_pb2, content_service_pb2, sentence_pb2
from server.content.domain.change import CHANGEABLE, Change, Draft
from server.content.domain.furigana import FuriganaSpan
from server.content.domain.reading import ReadingOrigin
from server.content.domain.selection import Order, Selection
from server.content.domain.sentence import (
    AudioFormat,
    AudioId,
    AudioOrigin,
    JlptLevel,
    Recording,
    Sentence,
    SentenceId,
    Source,
    Translation,
    Visibility,
)
from server.content.domain.spaces import Scope, changeable_by, visible_to
from server.content.domain.text import check_text, clean_text
from server.content.ports import Repeat
from server.kernel.identity import Caller, UserId
from server.rpc.wire import body_hash, duration, masked_fields, timestamp

_K = TypeVar("_K")
_V = TypeVar("_V")


def _reversed(pairs: Mapping[_K, _V]) -> Mapping[_V, _K]:
    return {value: key for key, value in pairs.items()}


VISIBILITY_TO = {
    Visibility.SHARED: sentence_pb2.VISIBILITY_SHARED,
    Visibility.PRIVATE: sentence_pb2.VISIBILITY_PRIVATE,
}
VISIBILITY_FROM = _reversed(VISIBILITY_TO)
_SOURCE_TO = {
    Source.TATOEBA: sentence_pb2.SENTENCE_SOURCE_TATOEBA,
    Source.ANKI: sentence_pb2.SENTENCE_SOURCE_ANKI,
    Source.CUSTOM: sentence_pb2.SENTENCE_SOURCE_CUSTOM,
    Source.COMMUNITY: sentence_pb2.SENTENCE_SOURCE_COMMUNITY,
}
_SOURCE_FROM = _reversed(_SOURCE_TO)
JLPT_TO = {
    None: sentence_pb2.JLPT_LEVEL_UNSPECIFIED,
    JlptLevel.N5: sentence_pb2.JLPT_LEVEL_N5,
    JlptLevel.N4: sentence_pb2.JLPT_LEVEL_N4,
    JlptLevel.N3: sentence_pb2.JLPT_LEVEL_N3,
    JlptLevel.N2: sentence_pb2.JLPT_LEVEL_N2,
    JlptLevel.N1: sentence_pb2.JLPT_LEVEL_N1,
}
_JLPT_FROM = _reversed(JLPT_TO)
_READING_ORIGIN_TO = {
    None: sentence_pb2.READING_ORIGIN_UNSPECIFIED,
    ReadingOrigin.ANALYZER: sentence_pb2.READING_ORIGIN_ANALYZER,
    ReadingOrigin.HUMAN: sentence_pb2.READING_ORIGIN_HUMAN,
}
_READING_ORIGIN_FROM = _reversed(_READING_ORIGIN_TO)
_AUDIO_ORIGIN_TO = {
    None: audio_pb2.AUDIO_ORIGIN_UNSPECIFIED,
    AudioOrigin.RECORDED: audio_pb2.AUDIO_ORIGIN_RECORDED,
    AudioOrigin.SYNTHESIZED: audio_pb2.AUDIO_ORIGIN_SYNTHESIZED,
}
_AUDIO_ORIGIN_FROM = _reversed(_AUDIO_ORIGIN_TO)
_FORMAT_TO = {
    AudioFormat.WAV: audio_pb2.AUDIO_FORMAT_WAV,
    AudioFormat.OGG_OPUS: audio_pb2.AUDIO_FORMAT_OGG_OPUS,
    AudioFormat.FLAC: audio_pb2.AUDIO_FORMAT_FLAC,
    AudioFormat.MP3: audio_pb2.AUDIO_FORMAT_MP3,
}
_FORMAT_FROM = _reversed(_FORMAT_TO)
SCOPE_FROM = {
    sentence_pb2.SCOPE_UNSPECIFIED: Scope.ALL,
    sentence_pb2.SCOPE_SHARED: Scope.SHARED,
    sentence_pb2.SCOPE_MINE: Scope.MINE,
}
_ORDER_FROM = {
    content_service_pb2.SENTENCE_ORDER_UNSPECIFIED: None,
    content_service_pb2.SENTENCE_ORDER_RELEVANCE: Order.RELEVANCE,
    content_service_pb2.SENTENCE_ORDER_NEWEST: Order.NEWEST,
    content_service_pb2.SENTENCE_ORDER_OLDEST: Order.OLDEST,
    content_service_pb2.SENTENCE_ORDER_LAST_UPDATED: Order.LAST_UPDATED,
    content_service_pb2.SENTENCE_ORDER_EASIEST: Order.EASIEST,
    content_service_pb2.SENTENCE_ORDER_HARDEST: Order.HARDEST,
    content_service_pb2.SENTENCE_ORDER_SHORTEST: Order.SHORTEST,
}


def sentence_id(text: str) -> SentenceId:
    """A sentence's id from a request; UUIDs are kept in lower case."""
    return SentenceId(text.lower())


def sentence_message(sentence: Sentence) -> sentence_pb2.Sentence:
    """A sentence as the wire has it."""
    message = sentence_pb2.Sentence(
        id=sentence.id,
        japanese=sentence.japanese,
        english=sentence.english,
        other_translations=map(_translation_message, sentence.other_translations),
        reading=sentence.reading,
        furigana=(
            sentence_pb2.FuriganaSpan(offset=span.offset, length=span.length, reading=span.reading)
            for span in sentence.furigana
        ),
        reading_origin=_READING_ORIGIN_TO[sentence.reading_origin],
        has_audio=sentence.audio_origin is not None,
        audio_origin=_AUDIO_ORIGIN_TO[sentence.audio_origin],
        recordings=map(_recording_message, sentence.recordings),
        difficulty=sentence.difficulty,
        difficulty_computed=sentence.difficulty_computed,
        jlpt_level=JLPT_TO[sentence.jlpt_level],
        source=_SOURCE_TO[sentence.source],
        source_id=sentence.source_id,
        author=sentence.author,
        licence=sentence.licence,
        english_source_id=sentence.english_source_id,
        english_author=sentence.english_author,
        english_licence=sentence.english_licence,
        tags=sentence.tags,
        word_count=sentence.word_count,
        character_count=sentence.character_count,
        active=sentence.active,
        owner_id=sentence.owner_id or "",
        visibility=VISIBILITY_TO[sentence.visibility],
        create_time=timestamp(sentence.created_at),
        update_time=timestamp(sentence.updated_at),
        delete_time=None if sentence.deleted_at is None else timestamp(sentence.deleted_at),
        etag=sentence.etag,
    )
    return message


def sentence_of(message: sentence_pb2.Sentence) -> Sentence:
    """A sentence from its own message, one that `sentence_message` made.

    The wire does not say whether speech is stored beside recordings: then it counts as not.
    """
    return Sentence(
        id=SentenceId(message.id),
        owner_id=UserId(message.owner_id) if message.owner_id else None,
        japanese=message.japanese,
        english=message.english,
        other_translations=_translations(message.other_translations),
        reading=message.reading,
        furigana=_furigana(message.furigana),
        reading_origin=_READING_ORIGIN_FROM[message.reading_origin],
        recordings=tuple(map(_recording_of, message.recordings)),
        synthesized=_AUDIO_ORIGIN_FROM[message.audio_origin] is AudioOrigin.SYNTHESIZED,
        difficulty=message.difficulty if message.HasField("difficulty") else None,
        difficulty_computed=message.difficulty_computed,
        jlpt_level=_JLPT_FROM[message.jlpt_level],
        source=_SOURCE_FROM[message.source],
        source_id=message.source_id,
        author=message.author,
        licence=message.licence,
        english_source_id=message.english_source_id,
        english_author=message.english_author,
        english_licence=message.english_licence,
        tags=tuple(message.tags),
        word_count=message.word_count,
        character_count=message.character_count,
        active=message.active,
        created_at=_moment(message.create_time),
        updated_at=_moment(message.update_time),
        deleted_at=_moment(message.delete_time) if message.HasField("delete_time") else None,
        revision=int(message.etag[1:]),
    )


def selection(request: content_service_pb2.ListSentencesRequest, caller: Caller) -> Selection:
    """The filters of a list, held to what the caller may see, or may undelete.

    Raises:
        InvalidInput: INVALID_FIELD when a text has a control character.
    """
    reach = changeable_by if request.only_deleted else visible_to
    return Selection(
        spaces=reach(caller, SCOPE_FROM[request.scope]),
        terms=tuple(dict.fromkeys(check_text(request.query, "query").split())),
        min_difficulty=request.min_difficulty or None,
        max_difficulty=request.max_difficulty or None,
        jlpt_levels=frozenset(level for wanted in request.jlpt_levels if (level := _JLPT_FROM[wanted]) is not None),
        sources=frozenset(_SOURCE_FROM[source] for source in request.sources),
        tags=tuple(clean_text(tag, f"tags[{index}]") for index, tag in enumerate(request.tags)),
        has_audio=request.has_audio if request.HasField("has_audio") else None,
        audio_origin=_AUDIO_ORIGIN_FROM[request.audio_origin],
        active=request.active if request.HasField("active") else None,
        deleted=request.only_deleted,
    )


def order(request: content_service_pb2.ListSentencesRequest) -> Order | None:
    """The order asked for."""
    return _ORDER_FROM[request.order]


def draft(request: content_service_pb2.CreateSentenceRequest) -> Draft:
    """The sentence that a request wants created."""
    return Draft(
        visibility=VISIBILITY_FROM[request.visibility],
        japanese=request.japanese,
        english=request.english,
        other_translations=_translations(request.other_translations),
        reading=request.reading,
        furigana=_furigana(request.furigana),
        difficulty=request.difficulty if request.HasField("difficulty") else None,
        jlpt_level=_JLPT_FROM[request.jlpt_level],
        source=_SOURCE_FROM[request.source],
        source_id=request.source_id,
        author=request.author,
        licence=request.licence,
        english_source_id=request.english_source_id,
        english_author=request.english_author,
        english_licence=request.english_licence,
        tags=tuple(request.tags),
        active=not request.inactive,
    )


def repeat(request: content_service_pb2.CreateSentenceRequest) -> Repeat | None:
    """What makes a creation safe to repeat, if the client asked for it."""
    if not request.request_id:
        return None
    return Repeat(
        request_id=request.request_id.lower(),
        body_hash=body_hash(request),
        encode=encode_sentence,
        decode=decode_sentence,
    )


def encode_sentence(sentence: Sentence) -> bytes:
    """A sentence as bytes to be kept."""
    return sentence_message(sentence).SerializeToString()


def decode_sentence(kept: bytes) -> Sentence:
    """A sentence from bytes that `encode_sentence` made."""
    return sentence_of(sentence_pb2.Sentence.FromString(kept))


def change(request: content_service_pb2.UpdateSentenceRequest) -> Change:
    """The change that a request wants.

    Raises:
        InvalidInput: INVALID_FIELD_MASK.
    """
    message = request.sentence
    return Change(
        fields=masked_fields(request.update_mask, CHANGEABLE),
        japanese=message.japanese,
        english=message.english,
        other_translations=_translations(message.other_translations),
        reading=message.reading,
        furigana=_furigana(message.furigana),
        recording_ids=tuple(AudioId(recording.id.lower()) for recording in message.recordings),
        difficulty=message.difficulty if message.HasField("difficulty") else None,
        jlpt_level=_JLPT_FROM[message.jlpt_level],
        author=message.author,
        licence=message.licence,
        english_source_id=message.english_source_id,
        english_author=message.english_author,
        english_licence=message.english_licence,
        tags=tuple(message.tags),
        active=message.active,
        path="sentence.",
    )


def _furigana(messages: Iterable[sentence_pb2.FuriganaSpan]) -> tuple[FuriganaSpan, ...]:
    return tuple(FuriganaSpan(span.offset, span.length, span.reading) for span in messages)


def _translations(messages: Iterable[sentence_pb2.Translation]) -> tuple[Translation, ...]:
    return tuple(Translation(given.text, given.source_id, given.author, given.licence) for given in messages)


def _translation_message(translation: Translation) -> sentence_pb2.Translation:
    return sentence_pb2.Translation(
        text=translation.text,
        source_id=translation.source_id,
        author=translation.author,
        licence=translation.licence,
    )


def _recording_message(recording: Recording) -> audio_pb2.SentenceAudio:
    return audio_pb2.SentenceAudio(
        id=recording.id,
        origin=audio_pb2.AUDIO_ORIGIN_RECORDED,
        format=_FORMAT_TO[recording.format],
        sample_rate_hertz=recording.sample_rate_hertz,
        duration=duration(recording.duration),
        size_bytes=recording.size_bytes,
        author=recording.author,
        licence=recording.licence,
        attribution_url=recording.attribution_url,
        create_time=timestamp(recording.created_at),
    )


def _recording_of(message: audio_pb2.SentenceAudio) -> Recording:
    length: timedelta = message.duration.ToTimedelta()
    return Recording(
        id=AudioId(message.id),
        format=_FORMAT_FROM[message.format],
        sample_rate_hertz=message.sample_rate_hertz,
        duration=length,
        size_bytes=message.size_bytes,
        author=message.author,
        licence=message.licence,
        attribution_url=message.attribution_url,
        created_at=_moment(message.create_time),
    )


def _moment(at: Timestamp) -> datetime:
    return at.ToDatetime(tzinfo=UTC)
