"""DeleteSentence leaves a tombstone, for those who may change the sentence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.content.domain.sentence import Sentence
from server.errors import Aborted, ApplicationError, NotFound, PermissionDenied, Reason
from server.kernel.identity import Caller
from tests.support.content import ADMIN, KEN, MIKA, STUDENT, TEACHER, Content, make_sentence
from tests.support.kernel import NOON

DELETED = replace(make_sentence(), deleted_at=NOON, revision=2)


@pytest.mark.parametrize(
    ("stored", "who"), [(make_sentence(owner_id=MIKA), STUDENT), (make_sentence(), TEACHER), (make_sentence(), ADMIN)]
)
async def test_a_deleted_sentence_is_found_no_more(content: Content, stored: Sentence, who: Caller) -> None:
    content.store(stored)
    content.clock.advance(timedelta(hours=1))
    now = content.clock.now()

    tombstone = await content.delete_sentence(who, stored.id, stored.etag)

    assert tombstone == replace(stored, deleted_at=now, updated_at=now, revision=2)
    with pytest.raises(NotFound):
        await content.get_sentence(who, stored.id)


async def test_deleting_again_changes_nothing_whatever_the_etag(content: Content) -> None:
    content.store(DELETED)
    content.clock.advance(timedelta(hours=1))

    assert await content.delete_sentence(TEACHER, DELETED.id, make_sentence().etag) == DELETED
    assert content.state.sentences[DELETED.id] == DELETED


@pytest.mark.parametrize(
    ("stored", "who", "kind", "reason"),
    [
        (make_sentence(), STUDENT, PermissionDenied, Reason.SHARED_CONTENT_NEEDS_TEACHER),
        (DELETED, STUDENT, NotFound, Reason.SENTENCE_NOT_FOUND),
        (make_sentence(owner_id=KEN), STUDENT, NotFound, Reason.SENTENCE_NOT_FOUND),
        (make_sentence(owner_id=KEN), ADMIN, NotFound, Reason.SENTENCE_NOT_FOUND),
        (replace(make_sentence(owner_id=KEN), deleted_at=NOON), ADMIN, NotFound, Reason.SENTENCE_NOT_FOUND),
        (make_sentence(2), TEACHER, NotFound, Reason.SENTENCE_NOT_FOUND),
    ],
)
async def test_nobody_else_deletes(
    content: Content, stored: Sentence, who: Caller, kind: type[ApplicationError], reason: Reason
) -> None:
    content.store(stored)

    with pytest.raises(kind) as refused:
        await content.delete_sentence(who, make_sentence().id)

    assert refused.value.reason is reason
    assert content.state.sentences == {stored.id: stored}


async def test_an_old_etag_is_refused(content: Content) -> None:
    content.store(make_sentence())

    with pytest.raises(Aborted) as refused:
        await content.delete_sentence(TEACHER, make_sentence().id, "r0")

    assert refused.value.reason is Reason.CONCURRENT_CHANGE
