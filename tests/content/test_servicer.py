"""ContentService over a real port, on fakes: exact answers and exact errors."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from kaiwa.content.v1 import content_service_pb2 as pb
from kaiwa.content.v1 import content_service_pb2_grpc as rpc
from kaiwa.content.v1 import sentence_pb2
from server.content import mapping
from server.errors import Reason, Unauthenticated
from server.kernel.identity import Caller
from server.rpc.server import Service
from tests.support.content import KEN, MIKA, STUDENT, TEACHER, Content, make_sentence
from tests.support.kernel import NOON
from tests.support.rpc import Failure, failure_of, serving

SERVICE = "kaiwa.content.v1.ContentService"
REQUEST = "7D0C7B5E-0000-4000-8000-000000000001"
CALLERS = {"mika": STUDENT, "teacher": TEACHER}
MIKAS = (("authorization", "Bearer mika"),)
TEACHERS = (("authorization", "Bearer teacher"),)


@dataclass(frozen=True, slots=True)
class Client:
    stub: rpc.ContentServiceAsyncStub
    content: Content


async def authenticate(token: str) -> Caller:
    if token not in CALLERS:
        raise Unauthenticated(Reason.TOKEN_INVALID, "no such token")
    return CALLERS[token]


@pytest.fixture
async def client(content: Content) -> AsyncIterator[Client]:
    service = Service(SERVICE, rpc.add_ContentServiceServicer_to_server, content.servicer())
    async with serving([service], authenticate=authenticate) as served:
        yield Client(rpc.ContentServiceStub(served.channel), content)


async def failure(call: Awaitable[object]) -> Failure:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return failure_of(caught.value)


def create_request(**given: object) -> pb.CreateSentenceRequest:
    request = pb.CreateSentenceRequest(
        japanese="私は学生です。",
        english="I am a student.",
        source=sentence_pb2.SENTENCE_SOURCE_CUSTOM,
        visibility=sentence_pb2.VISIBILITY_PRIVATE,
        tags=["school"],
    )
    for name, value in given.items():
        setattr(request, name, value)
    return request


async def test_a_created_sentence_is_the_one_that_is_got(client: Client) -> None:
    made = (await client.stub.CreateSentence(create_request(), metadata=MIKAS)).sentence

    assert (made.japanese, made.reading) == ("私は学生です。", "わたしはがくせいです。")
    assert [(span.offset, span.length, span.reading) for span in made.furigana] == [
        (0, 1, "わたし"),
        (2, 2, "がくせい"),
    ]
    assert made.reading_origin == sentence_pb2.READING_ORIGIN_ANALYZER
    assert (made.difficulty, made.difficulty_computed, made.active) == (1, True, True)
    assert (made.owner_id, made.visibility) == (MIKA, sentence_pb2.VISIBILITY_PRIVATE)
    assert made.create_time.ToDatetime(NOON.tzinfo) == made.update_time.ToDatetime(NOON.tzinfo) == NOON
    assert not made.HasField("delete_time")
    got = await client.stub.GetSentence(pb.GetSentenceRequest(id=made.id.upper()), metadata=MIKAS)
    assert got.sentence == made


async def test_the_same_request_id_makes_one_sentence(client: Client) -> None:
    request = create_request(request_id=REQUEST)

    first = await client.stub.CreateSentence(request, metadata=MIKAS)
    again = await client.stub.CreateSentence(request, metadata=MIKAS)
    other = await failure(client.stub.CreateSentence(create_request(request_id=REQUEST, english="x"), metadata=MIKAS))

    assert again == first
    assert len(client.content.state.sentences) == 1
    assert (other.code, other.reason) == (grpc.StatusCode.ALREADY_EXISTS, "ERROR_REASON_REQUEST_ID_REUSED")


@pytest.mark.parametrize(
    ("given", "code", "reason", "field"),
    [
        (
            {"visibility": sentence_pb2.VISIBILITY_SHARED},
            grpc.StatusCode.PERMISSION_DENIED,
            Reason.SHARED_CONTENT_NEEDS_TEACHER,
            None,
        ),
        ({"japanese": "Hello"}, grpc.StatusCode.INVALID_ARGUMENT, Reason.TEXT_NOT_JAPANESE, "japanese"),
        ({"japanese": "　 "}, grpc.StatusCode.INVALID_ARGUMENT, Reason.TEXT_NOT_JAPANESE, "japanese"),
        ({"japanese": ""}, grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD, "japanese"),
        ({"japanese": "あ" * 501}, grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD, "japanese"),
        ({"japanese": "あ\0"}, grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD, "japanese"),
        ({"reading": "わたしわ"}, grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD, "reading"),
        ({"difficulty": 11}, grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD, "difficulty"),
        ({"source": 0}, grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD, "source"),
        ({"visibility": 0}, grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD, "visibility"),
        ({"request_id": "7"}, grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD, "request_id"),
    ],
)
async def test_a_wrong_creation_is_refused(
    client: Client, given: dict[str, object], code: grpc.StatusCode, reason: Reason, field: str | None
) -> None:
    failed = await failure(client.stub.CreateSentence(create_request(**given), metadata=MIKAS))

    assert (failed.code, failed.reason) == (code, reason.value)
    assert failed.fields == (() if field is None else (field,))
    assert not client.content.state.sentences


async def test_a_misfit_span_is_named(client: Client) -> None:
    request = create_request()
    request.furigana.add(offset=0, length=1, reading="わたし")
    request.furigana.add(offset=6, length=2, reading="まる")

    failed = await failure(client.stub.CreateSentence(request, metadata=MIKAS))

    assert (failed.code, failed.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ERROR_REASON_SPAN_MISFIT")
    assert failed.fields == ("furigana[1]",)
    assert failed.metadata == {"field": "furigana[1]", "character_count": "7"}


async def test_a_source_id_is_taken_once_a_space(client: Client) -> None:
    request = create_request(source_id="7")
    first = await client.stub.CreateSentence(request, metadata=MIKAS)
    await client.stub.CreateSentence(request, metadata=TEACHERS)

    failed = await failure(client.stub.CreateSentence(request, metadata=MIKAS))

    assert (failed.code, failed.reason) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "ERROR_REASON_SENTENCE_ALREADY_EXISTS",
    )
    assert failed.metadata == {
        "sentence_id": first.sentence.id,
        "source": "SENTENCE_SOURCE_CUSTOM",
        "source_id": "7",
    }


async def test_missing_and_invisible_sentences_are_answered_alike(client: Client) -> None:
    client.content.store(make_sentence(1, owner_id=KEN))
    failures = [
        await failure(client.stub.GetSentence(pb.GetSentenceRequest(id=make_sentence(n).id), metadata=MIKAS))
        for n in (1, 2)
    ]

    for number, failed in enumerate(failures, 1):
        sentence_id = make_sentence(number).id
        assert (failed.code, failed.reason) == (grpc.StatusCode.NOT_FOUND, "ERROR_REASON_SENTENCE_NOT_FOUND")
        assert failed.metadata == {"sentence_id": sentence_id}
        assert failed.message == f"There is no sentence {sentence_id} that you may see."


async def test_a_list_is_paged(client: Client) -> None:
    client.content.store(*(make_sentence(number) for number in range(1, 6)))
    request = pb.ListSentencesRequest(page_size=2, order=pb.SENTENCE_ORDER_OLDEST)

    seen: list[str] = []
    sizes: list[int] = []
    while True:
        page = await client.stub.ListSentences(request, metadata=MIKAS)
        seen += (sentence.id for sentence in page.sentences)
        sizes.append(len(page.sentences))
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break

    assert seen == [make_sentence(number).id for number in range(1, 6)]
    assert sizes == [2, 2, 1]


async def test_a_page_token_serves_its_own_filters_only(client: Client) -> None:
    client.content.store(make_sentence(1), make_sentence(2))
    page = await client.stub.ListSentences(pb.ListSentencesRequest(page_size=1), metadata=MIKAS)

    for request in (
        pb.ListSentencesRequest(page_token=page.next_page_token, min_difficulty=1),
        pb.ListSentencesRequest(page_token="forged"),
    ):
        failed = await failure(client.stub.ListSentences(request, metadata=MIKAS))
        assert (failed.code, failed.reason) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "ERROR_REASON_INVALID_PAGE_TOKEN",
        )
        assert failed.fields == ("page_token",)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.ListSentencesRequest(page_size=-1), "page_size"),
        (pb.ListSentencesRequest(min_difficulty=11), "min_difficulty"),
        (pb.ListSentencesRequest(query="a\0"), "query"),
    ],
)
async def test_wrong_filters_are_refused(client: Client, request_: pb.ListSentencesRequest, field: str) -> None:
    failed = await failure(client.stub.ListSentences(request_, metadata=MIKAS))

    assert (failed.code, failed.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "ERROR_REASON_INVALID_FIELD")
    assert failed.fields == (field,)


async def test_a_batch_names_what_is_missing(client: Client) -> None:
    client.content.store(make_sentence(1))
    ids = [make_sentence(2).id, make_sentence(1).id]

    batch = await client.stub.BatchGetSentences(pb.BatchGetSentencesRequest(ids=ids), metadata=MIKAS)

    assert [sentence.id for sentence in batch.sentences] == ids[1:]
    assert list(batch.missing_ids) == ids[:1]


def update_request(*paths: str, **given: object) -> pb.UpdateSentenceRequest:
    sentence = sentence_pb2.Sentence(id=make_sentence().id)
    for name, value in given.items():
        setattr(sentence, name, value)
    return pb.UpdateSentenceRequest(sentence=sentence, update_mask=FieldMask(paths=paths))


async def test_an_update_changes_what_the_mask_names(client: Client) -> None:
    stored = make_sentence(owner_id=MIKA)
    client.content.store(stored)
    request = update_request("english", english="Yes.", author="Not named", etag=stored.etag)

    changed = (await client.stub.UpdateSentence(request, metadata=MIKAS)).sentence

    assert changed == mapping.sentence_message(replace(stored, english="Yes.", revision=2))
    assert changed.etag != stored.etag


@pytest.mark.parametrize(
    ("request_", "code", "reason", "field"),
    [
        (update_request(), grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD_MASK, "update_mask"),
        (update_request("*"), grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD_MASK, "update_mask"),
        (update_request("owner_id"), grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD_MASK, "update_mask"),
        (update_request("japanese"), grpc.StatusCode.INVALID_ARGUMENT, Reason.INVALID_FIELD, "sentence.japanese"),
        (
            update_request("japanese", japanese="Hi"),
            grpc.StatusCode.INVALID_ARGUMENT,
            Reason.TEXT_NOT_JAPANESE,
            "sentence.japanese",
        ),
        (update_request("english", etag="r9"), grpc.StatusCode.ABORTED, Reason.CONCURRENT_CHANGE, None),
        (
            update_request("english", id=make_sentence(2).id),
            grpc.StatusCode.PERMISSION_DENIED,
            Reason.SHARED_CONTENT_NEEDS_TEACHER,
            None,
        ),
        (
            update_request("english", id=make_sentence(3).id),
            grpc.StatusCode.NOT_FOUND,
            Reason.SENTENCE_NOT_FOUND,
            None,
        ),
    ],
)
async def test_a_wrong_update_is_refused(
    client: Client, request_: pb.UpdateSentenceRequest, code: grpc.StatusCode, reason: Reason, field: str | None
) -> None:
    client.content.store(make_sentence(1, owner_id=MIKA), make_sentence(2))
    before = client.content.state.sentences

    failed = await failure(client.stub.UpdateSentence(request_, metadata=MIKAS))

    assert (failed.code, failed.reason) == (code, reason.value)
    assert failed.fields == (() if field is None else (field,))
    assert client.content.state.sentences == before


async def test_a_recording_that_is_not_the_sentences_is_not_found(client: Client) -> None:
    client.content.store(make_sentence(owner_id=MIKA))
    request = update_request("recordings")
    request.sentence.recordings.add(id=REQUEST)

    failed = await failure(client.stub.UpdateSentence(request, metadata=MIKAS))

    assert (failed.code, failed.reason) == (grpc.StatusCode.NOT_FOUND, "ERROR_REASON_RECORDING_NOT_FOUND")
    assert failed.metadata == {"sentence_id": make_sentence().id, "audio_id": REQUEST.lower()}


async def test_a_deletion_is_taken_back(client: Client) -> None:
    stored = make_sentence(owner_id=MIKA)
    client.content.store(stored)

    gone = await client.stub.DeleteSentence(pb.DeleteSentenceRequest(id=stored.id, etag=stored.etag), metadata=MIKAS)
    listed = await client.stub.ListSentences(pb.ListSentencesRequest(only_deleted=True), metadata=MIKAS)
    back = await client.stub.UndeleteSentence(pb.UndeleteSentenceRequest(id=stored.id), metadata=MIKAS)

    assert gone.sentence.delete_time.ToDatetime(NOON.tzinfo) == NOON
    assert list(listed.sentences) == [gone.sentence]
    assert back.sentence == mapping.sentence_message(replace(stored, revision=3))


async def test_what_later_work_brings_is_not_available_yet(client: Client) -> None:
    failed = await failure(client.stub.SuggestSentences(pb.SuggestSentencesRequest(), metadata=MIKAS))

    assert (failed.code, failed.reason) == (grpc.StatusCode.UNIMPLEMENTED, "ERROR_REASON_NOT_YET_AVAILABLE")


async def test_a_caller_without_a_token_is_refused(client: Client) -> None:
    failed = await failure(client.stub.ListSentences(pb.ListSentencesRequest()))

    assert (failed.code, failed.reason) == (grpc.StatusCode.UNAUTHENTICATED, "ERROR_REASON_TOKEN_MISSING")
