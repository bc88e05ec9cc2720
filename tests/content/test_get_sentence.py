"""GetSentence returns what the caller may see, and one answer for everything else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.content.domain.sentence import Sentence, SentenceId
from server.errors import NotFound, Reason
from server.kernel.identity import Caller
from tests.support.content import ADMIN, KEN, MIKA, OTHER_STUDENT, STUDENT, TEACHER, Content, make_sentence
from tests.support.kernel import NOON


@pytest.mark.parametrize("who", [STUDENT, TEACHER, ADMIN])
async def test_everyone_gets_what_is_shared(content: Content, who: Caller) -> None:
    sentence = make_sentence()
    content.store(sentence)

    assert await content.get_sentence(who, sentence.id) == sentence


async def test_the_owner_gets_a_private_one(content: Content) -> None:
    sentence = make_sentence(owner_id=MIKA)
    content.store(sentence)

    assert await content.get_sentence(STUDENT, sentence.id) == sentence


@pytest.mark.parametrize(
    ("stored", "who"),
    [
        (None, TEACHER),
        (make_sentence(owner_id=KEN), STUDENT),
        (make_sentence(owner_id=KEN), TEACHER),
        (make_sentence(owner_id=KEN), ADMIN),
        (replace(make_sentence(owner_id=KEN), deleted_at=NOON), OTHER_STUDENT),
        (replace(make_sentence(), deleted_at=NOON), TEACHER),
    ],
)
async def test_what_is_missing_deleted_or_not_theirs_is_answered_alike(
    content: Content, stored: Sentence | None, who: Caller
) -> None:
    sentence_id = SentenceId("0198c0de-0000-7000-a000-000000000001")
    if stored is not None:
        content.store(stored)

    with pytest.raises(NotFound) as refused:
        await content.get_sentence(who, sentence_id)

    assert refused.value.reason is Reason.SENTENCE_NOT_FOUND
    assert refused.value.message == f"There is no sentence {sentence_id} that you may see."
    assert refused.value.metadata == {"sentence_id": sentence_id}
