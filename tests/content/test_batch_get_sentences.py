"""BatchGetSentences keeps the order of the request and names what can't be had."""

from __future__ import annotations

from dataclasses import replace

from tests.support.content import KEN, MIKA, STUDENT, Content, make_sentence
from tests.support.kernel import NOON


async def test_found_and_missing_stand_in_the_order_asked_for(content: Content) -> None:
    shared, own, others = make_sentence(1), make_sentence(2, owner_id=MIKA), make_sentence(3, owner_id=KEN)
    deleted, missing = replace(make_sentence(4), deleted_at=NOON), make_sentence(5)
    content.store(shared, own, others, deleted)

    batch = await content.batch_get_sentences(STUDENT, [missing.id, own.id, others.id, shared.id, deleted.id])

    assert batch.found == (own, shared)
    assert batch.missing == (missing.id, others.id, deleted.id)


async def test_an_id_that_stands_twice_is_answered_once(content: Content) -> None:
    sentence = make_sentence()
    content.store(sentence)

    batch = await content.batch_get_sentences(STUDENT, [sentence.id, sentence.id])

    assert batch.found == (sentence,)
    assert batch.missing == ()
