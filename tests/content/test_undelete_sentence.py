"""UndeleteSentence takes a deletion back."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.content.domain.sentence import Sentence
from server.errors import AlreadyExists, ApplicationError, NotFound, PermissionDenied, Reason
from server.kernel.identity import Caller
from tests.support.content import ADMIN, KEN, MIKA, STUDENT, TEACHER, Content, make_sentence
from tests.support.kernel import NOON

DELETED = replace(make_sentence(), deleted_at=NOON, revision=2)
OWN = replace(make_sentence(owner_id=MIKA), deleted_at=NOON)


@pytest.mark.parametrize(("stored", "who"), [(OWN, STUDENT), (DELETED, TEACHER), (DELETED, ADMIN)])
async def test_an_undeleted_sentence_is_found_again(content: Content, stored: Sentence, who: Caller) -> None:
    content.store(stored)
    content.clock.advance(timedelta(hours=1))

    back = await content.undelete_sentence(who, stored.id)

    expected = replace(stored, deleted_at=None, updated_at=content.clock.now(), revision=stored.revision + 1)
    assert back == expected
    assert await content.get_sentence(who, stored.id) == expected


async def test_a_sentence_that_is_there_is_returned_as_it_is(content: Content) -> None:
    content.store(make_sentence())

    assert await content.undelete_sentence(TEACHER, make_sentence().id) == make_sentence()


@pytest.mark.parametrize(
    ("stored", "who", "kind", "reason"),
    [
        (make_sentence(), STUDENT, PermissionDenied, Reason.SHARED_CONTENT_NEEDS_TEACHER),
        (DELETED, STUDENT, NotFound, Reason.SENTENCE_NOT_FOUND),
        (replace(make_sentence(owner_id=KEN), deleted_at=NOON), STUDENT, NotFound, Reason.SENTENCE_NOT_FOUND),
        (make_sentence(2), TEACHER, NotFound, Reason.SENTENCE_NOT_FOUND),
    ],
)
async def test_nobody_else_undeletes(
    content: Content, stored: Sentence, who: Caller, kind: type[ApplicationError], reason: Reason
) -> None:
    content.store(stored)

    with pytest.raises(kind) as refused:
        await content.undelete_sentence(who, make_sentence().id)

    assert refused.value.reason is reason
    assert content.state.sentences == {stored.id: stored}


async def test_a_source_id_that_was_taken_since_is_in_the_way(content: Content) -> None:
    content.store(replace(DELETED, source_id="7"), replace(make_sentence(2), source_id="7"))

    with pytest.raises(AlreadyExists) as refused:
        await content.undelete_sentence(TEACHER, DELETED.id)

    assert refused.value.reason is Reason.SENTENCE_ALREADY_EXISTS
    assert refused.value.metadata == {
        "sentence_id": make_sentence(2).id,
        "source": "SENTENCE_SOURCE_CUSTOM",
        "source_id": "7",
    }
