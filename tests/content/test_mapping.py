"""What goes over the wire comes back as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import given
from hypothesis import strategies as st

from kaiwa.content.v1 import audio_pb2, sentence_pb2
from kaiwa.content.v1 import content_service_pb2 as pb
from server.content import mapping
from server.content.domain.change import CHANGEABLE
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
from server.content.domain.spaces import Spaces
from server.errors import InvalidInput, Reason
from server.kernel.identity import UserId
from tests.support.content import MIKA, STUDENT, TEACHER, make_sentence

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
UUIDS = st.uuids().map(str)
TIMES = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001
COUNTS = st.integers(0, 1000)
RECORDINGS = st.builds(
    Recording,
    id=UUIDS.map(AudioId),
    format=st.sampled_from(AudioFormat),
    sample_rate_hertz=COUNTS,
    duration=st.timedeltas(timedelta(0), timedelta(hours=1)),
    size_bytes=st.integers(0, 2**40),
    author=TEXTS,
    licence=TEXTS,
    attribution_url=TEXTS,
    created_at=TIMES,
)
SENTENCES = st.builds(
    Sentence,
    id=UUIDS.map(SentenceId),
    owner_id=st.none() | UUIDS.map(UserId),
    japanese=TEXTS,
    english=TEXTS,
    other_translations=st.lists(st.builds(Translation, TEXTS, TEXTS, TEXTS, TEXTS), max_size=2).map(tuple),
    reading=TEXTS,
    furigana=st.lists(st.builds(FuriganaSpan, COUNTS, COUNTS, TEXTS), max_size=3).map(tuple),
    reading_origin=st.none() | st.sampled_from(ReadingOrigin),
    recordings=st.lists(RECORDINGS, max_size=2).map(tuple),
    synthesized=st.booleans(),
    difficulty=st.none() | st.integers(1, 10),
    difficulty_computed=st.booleans(),
    jlpt_level=st.none() | st.sampled_from(JlptLevel),
    source=st.sampled_from(Source),
    source_id=TEXTS,
    author=TEXTS,
    licence=TEXTS,
    english_source_id=TEXTS,
    english_author=TEXTS,
    english_licence=TEXTS,
    tags=st.lists(TEXTS, max_size=3).map(tuple),
    word_count=COUNTS,
    character_count=COUNTS,
    active=st.booleans(),
    created_at=TIMES,
    updated_at=TIMES,
    deleted_at=st.none() | TIMES,
    revision=st.integers(1, 2**31),
)


@given(SENTENCES)
def test_a_sentence_comes_back_from_the_wire(sentence: Sentence) -> None:
    # The wire has no word about speech that is stored beside recordings.
    sentence = replace(sentence, synthesized=sentence.synthesized and not sentence.recordings)

    assert mapping.decode_sentence(mapping.encode_sentence(sentence)) == sentence


@given(SENTENCES)
def test_the_wire_says_the_same_of_a_sentence_that_came_back(sentence: Sentence) -> None:
    kept = mapping.encode_sentence(sentence)

    assert mapping.encode_sentence(mapping.decode_sentence(kept)) == kept


def test_every_field_of_a_sentence_is_filled() -> None:
    full = replace(
        make_sentence(owner_id=MIKA),
        other_translations=(Translation("a"),),
        furigana=(FuriganaSpan(0, 1, "わたし"),),
        reading_origin=ReadingOrigin.HUMAN,
        recordings=(
            Recording(AudioId("a"), AudioFormat.WAV, 1, timedelta(1), 1, "a", "b", "c", make_sentence().created_at),
        ),
        difficulty_computed=True,
        jlpt_level=JlptLevel.N1,
        source_id="1",
        author="a",
        licence="a",
        english_source_id="a",
        english_author="a",
        english_licence="a",
        tags=("a",),
        deleted_at=make_sentence().created_at,
    )

    message = mapping.sentence_message(full)

    assert {field.name for field, _ in message.ListFields()} == {field.name for field in message.DESCRIPTOR.fields}


@pytest.mark.parametrize(
    ("recorded", "synthesized", "has_audio", "origin"),
    [
        (False, False, False, audio_pb2.AUDIO_ORIGIN_UNSPECIFIED),
        (False, True, True, audio_pb2.AUDIO_ORIGIN_SYNTHESIZED),
        (True, True, True, audio_pb2.AUDIO_ORIGIN_RECORDED),
    ],
)
def test_audio_is_named_by_what_is_sent_first(recorded: bool, synthesized: bool, has_audio: bool, origin: int) -> None:
    recording = Recording(AudioId("a"), AudioFormat.MP3, 1, timedelta(1), 1, "", "", "", make_sentence().created_at)
    sentence = replace(make_sentence(), recordings=(recording,) if recorded else (), synthesized=synthesized)

    message = mapping.sentence_message(sentence)

    assert (message.has_audio, message.audio_origin) == (has_audio, origin)


def test_a_list_without_filters_shows_all_that_the_caller_may_see() -> None:
    request = pb.ListSentencesRequest()

    assert mapping.selection(request, STUDENT) == Selection(Spaces(shared=True, owner_id=MIKA))
    assert mapping.order(request) is None


def test_every_filter_arrives() -> None:
    request = pb.ListSentencesRequest(
        query=" 学生　 student 学生",
        min_difficulty=2,
        max_difficulty=5,
        jlpt_levels=[sentence_pb2.JLPT_LEVEL_N5, sentence_pb2.JLPT_LEVEL_N1],
        sources=[sentence_pb2.SENTENCE_SOURCE_ANKI],
        tags=[" food ", "home"],
        has_audio=False,
        audio_origin=audio_pb2.AUDIO_ORIGIN_SYNTHESIZED,
        active=True,
        scope=sentence_pb2.SCOPE_SHARED,
        only_deleted=True,
        order=pb.SENTENCE_ORDER_SHORTEST,
    )

    assert mapping.selection(request, TEACHER) == Selection(
        spaces=Spaces(shared=True, owner_id=None),
        terms=("学生", "student"),
        min_difficulty=2,
        max_difficulty=5,
        jlpt_levels=frozenset({JlptLevel.N5, JlptLevel.N1}),
        sources=frozenset({Source.ANKI}),
        tags=("food", "home"),
        has_audio=False,
        audio_origin=AudioOrigin.SYNTHESIZED,
        active=True,
        deleted=True,
    )
    assert mapping.order(request) is Order.SHORTEST


@pytest.mark.parametrize(
    ("request_", "field"),
    [(pb.ListSentencesRequest(query="a\0"), "query"), (pb.ListSentencesRequest(tags=["a", "b\0"]), "tags[1]")],
)
def test_what_a_database_can_not_hold_is_not_looked_for(request_: pb.ListSentencesRequest, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        mapping.selection(request_, STUDENT)

    assert refused.value.metadata == {"field": field}


def test_a_draft_has_what_the_request_says() -> None:
    draft = mapping.draft(
        pb.CreateSentenceRequest(
            japanese="はい",
            difficulty=3,
            source=sentence_pb2.SENTENCE_SOURCE_COMMUNITY,
            visibility=sentence_pb2.VISIBILITY_SHARED,
            inactive=True,
            furigana=[sentence_pb2.FuriganaSpan(offset=0, length=1, reading="は")],
        )
    )

    assert (draft.japanese, draft.difficulty, draft.active) == ("はい", 3, False)
    assert (draft.source, draft.visibility) == (Source.COMMUNITY, Visibility.SHARED)
    assert draft.furigana == (FuriganaSpan(0, 1, "は"),)


def test_a_request_id_makes_a_creation_repeatable() -> None:
    request = pb.CreateSentenceRequest(japanese="はい")
    assert mapping.repeat(request) is None

    request.request_id = "7D0C7B5E-0000-4000-8000-000000000001"
    repeat = mapping.repeat(request)

    assert repeat is not None
    assert repeat.request_id == request.request_id.lower()
    assert len(repeat.body_hash) == 32
    assert repeat.decode(repeat.encode(make_sentence())) == make_sentence()


def test_every_changeable_field_is_one_of_a_sentence() -> None:
    names = {field.name for field in sentence_pb2.Sentence.DESCRIPTOR.fields}
    assert names >= CHANGEABLE

    request = pb.UpdateSentenceRequest(update_mask=FieldMask(paths=sorted(CHANGEABLE)))
    assert mapping.change(request).fields == CHANGEABLE


@pytest.mark.parametrize("paths", [[], ["*"], ["owner_id"], ["english", "source"], ["sentence.english"], ["id"]])
def test_other_masks_are_refused(paths: list[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        mapping.change(pb.UpdateSentenceRequest(update_mask=FieldMask(paths=paths)))

    assert refused.value.reason is Reason.INVALID_FIELD_MASK
    assert refused.value.metadata["field"] == "update_mask"
