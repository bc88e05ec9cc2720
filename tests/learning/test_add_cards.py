"""AddCards makes a card for each sentence and skill, once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import insert

from kaiwa.errors.v1 import error_reason_pb2 as reasons
from kaiwa.learning.v1 import card_pb2
from kaiwa.learning.v1 import learning_service_pb2 as pb
from server.adapters.postgres.tables import UserRow
from tests.support.kernel import NOON
from tests.support.learning import LISTENING, OF_MIKA, READING, SPEAKING, Study


async def test_cards_come_in_the_order_of_the_request(study: Study) -> None:
    first, second = await study.add_sentences(2)

    added = await study.stub.AddCards(
        pb.AddCardsRequest(sentence_ids=[second, first], skills=[SPEAKING, READING]), metadata=OF_MIKA
    )

    assert added.created_count == 4
    assert [(card.sentence_id, card.skill) for card in added.cards] == [
        (second, SPEAKING),
        (second, READING),
        (first, SPEAKING),
        (first, READING),
    ]
    assert [card.new_position for card in added.cards] == [1, 2, 3, 4]
    assert {card.state for card in added.cards} == {card_pb2.CARD_STATE_NEW}
    assert not added.cards[0].HasField("due_time")


async def test_what_is_there_is_left_as_it_is(study: Study) -> None:
    (sentence,) = await study.add_sentences()
    request = pb.AddCardsRequest(sentence_ids=[sentence], skills=[READING])
    (card,) = (await study.stub.AddCards(request, metadata=OF_MIKA)).cards
    reviewed = (await study.review(card.id)).card
    study.clock.advance(timedelta(hours=1))
    request.skills.append(LISTENING)

    again = await study.stub.AddCards(request, metadata=OF_MIKA)

    assert again.created_count == 1
    assert again.cards[0] == reviewed
    repeated = await study.stub.AddCards(request, metadata=OF_MIKA)
    assert (repeated.created_count, repeated.cards) == (0, again.cards)


async def test_sentences_that_can_not_be_studied_fail_by_themselves(study: Study) -> None:
    stranger = study.new_id()
    async with study.unit_of_work() as uow:
        await uow.session.execute(
            insert(UserRow).values(
                id=stranger, email="k@example.org", username="ken", password_hash="x", created_at=NOON, updated_at=NOON
            )
        )
        await uow.commit()
    (good,) = await study.add_sentences()
    (inactive,) = await study.add_sentences(active=False)
    (private,) = await study.add_sentences(owner_id=stranger, visibility="private")
    (deleted,) = await study.add_sentences(deleted_at=NOON)

    added = await study.stub.AddCards(
        pb.AddCardsRequest(sentence_ids=[inactive, private, good, deleted], skills=[READING]), metadata=OF_MIKA
    )

    assert [card.sentence_id for card in added.cards] == [good]
    assert {failure.sentence_id: failure.failure.reason for failure in added.failures} == {
        inactive: reasons.ERROR_REASON_CARD_SENTENCE_INACTIVE,
        private: reasons.ERROR_REASON_SENTENCE_NOT_FOUND,
        deleted: reasons.ERROR_REASON_SENTENCE_NOT_FOUND,
    }
    assert dict(added.failures[0].failure.metadata) == {"sentence_id": inactive}
