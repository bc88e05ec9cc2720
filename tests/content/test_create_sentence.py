"""CreateSentence stores a sentence in the space that the caller may write to, once a request id."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.content import mapping
from server.content.domain.sentence import Source, Visibility
from server.content.ports import Repeat
from server.errors import AlreadyExists, InvalidInput, PermissionDenied, Reason
from server.kernel.identity import Caller
from tests.support.content import ADMIN, OTHER_STUDENT, STUDENT, TEACHER, Content, make_draft

REQUEST = "7d0c7b5e-0000-4000-8000-000000000001"
SHARED = make_draft(visibility=Visibility.SHARED)


def repeat(body: bytes = b"body", request_id: str = REQUEST) -> Repeat:
    return Repeat(request_id, body, encode=mapping.encode_sentence, decode=mapping.decode_sentence)


@pytest.mark.parametrize("who", [STUDENT, TEACHER, ADMIN])
async def test_everyone_writes_to_their_own_space(content: Content, who: Caller) -> None:
    made = await content.create_sentence(who, make_draft())

    assert made.owner_id == who.user_id
    assert made.visibility is Visibility.PRIVATE
    assert content.state.sentences == {made.id: made}


@pytest.mark.parametrize("who", [TEACHER, ADMIN])
async def test_teachers_and_admins_share(content: Content, who: Caller) -> None:
    made = await content.create_sentence(who, SHARED)

    assert made.owner_id is None
    assert made.visibility is Visibility.SHARED


async def test_a_student_can_not_share(content: Content) -> None:
    with pytest.raises(PermissionDenied) as refused:
        await content.create_sentence(STUDENT, SHARED)

    assert refused.value.reason is Reason.SHARED_CONTENT_NEEDS_TEACHER
    assert refused.value.metadata == {"required_role": "teacher"}
    assert not content.state.sentences
    assert not content.analyser.asked


async def test_a_text_that_is_not_japanese_is_refused_before_analysis(content: Content) -> None:
    with pytest.raises(InvalidInput) as refused:
        await content.create_sentence(STUDENT, make_draft("Hello"))

    assert refused.value.reason is Reason.TEXT_NOT_JAPANESE
    assert not content.analyser.asked


async def test_the_same_request_returns_the_first_answer(content: Content) -> None:
    first = await content.create_sentence(STUDENT, make_draft(), repeat())
    content.store(replace(first, english="changed since", revision=2))

    assert await content.create_sentence(STUDENT, make_draft(), repeat()) == first
    assert len(content.state.sentences) == 1


async def test_a_request_id_serves_one_body(content: Content) -> None:
    await content.create_sentence(STUDENT, make_draft(), repeat())

    with pytest.raises(AlreadyExists) as refused:
        await content.create_sentence(STUDENT, make_draft("はい"), repeat(b"another body"))

    assert refused.value.reason is Reason.REQUEST_ID_REUSED
    assert len(content.state.sentences) == 1


async def test_request_ids_of_two_users_have_nothing_to_do_with_each_other(content: Content) -> None:
    await content.create_sentence(STUDENT, make_draft(), repeat())
    await content.create_sentence(OTHER_STUDENT, make_draft(), repeat(b"another body"))

    assert len(content.state.sentences) == 2


async def test_without_a_request_id_every_call_makes_a_sentence(content: Content) -> None:
    await content.create_sentence(STUDENT, make_draft())
    await content.create_sentence(STUDENT, make_draft())

    assert len(content.state.sentences) == 2


async def test_a_refused_request_can_be_sent_again(content: Content) -> None:
    draft = replace(SHARED, source=Source.TATOEBA, source_id="1297")
    first = await content.create_sentence(TEACHER, draft)

    with pytest.raises(AlreadyExists) as refused:
        await content.create_sentence(TEACHER, draft, repeat())
    await content.delete_sentence(TEACHER, first.id)
    again = await content.create_sentence(TEACHER, draft, repeat())

    assert refused.value.reason is Reason.SENTENCE_ALREADY_EXISTS
    assert refused.value.metadata == {
        "sentence_id": first.id,
        "source": "SENTENCE_SOURCE_TATOEBA",
        "source_id": "1297",
    }
    assert again.id != first.id
